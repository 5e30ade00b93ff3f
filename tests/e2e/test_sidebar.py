"""The sidebar in a real browser, against a real Jupyter server with its token on and the real embedded network."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sahara_lab.compute.record import JobFolder
from sahara_lab.profile import Profile

EVIL = '<img src="https://example.invalid/x.png" onerror="document.title=1">'

pytestmark = [pytest.mark.e2e, pytest.mark.network]


@pytest.fixture(scope="module")
def asset(alice: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A dataset of Alice's, described by somebody who tries to smuggle markup in."""
    import pandas as pd

    import sahara_lab as sahara

    folder = tmp_path_factory.mktemp("dunes")
    pd.DataFrame({"height": [12.5, 30.25, 41.0], "kind": ["barchan", "star", "linear"]}).to_parquet(
        folder / "dunes.parquet"
    )
    name = f"dunes-{secrets.token_hex(3)}"
    alice.market.publish(
        folder,
        name=name,
        title="Heights of sand dunes",
        description=f"Three dunes, **measured** by hand.\n\n{EVIL}",
        tags=("desert", "geology"),
        license=[
            sahara.License.commercial_remix("25", "10%"),
            sahara.License.non_commercial_research("5", duration="30 days"),
        ],
    )
    return f"alice/{name}"


def find(page: Any, asset: str) -> Any:
    """Search for an asset by its name; its card."""
    page.get_by_role("searchbox", name="Search datasets and models").fill(asset.split("/")[1])
    card = page.locator(".jp-Sahara-card", has_text=asset)
    card.wait_for()
    return card


def test_bob_finds_licenses_and_opens_a_dataset(page: Any, asset: str, shot: Callable[[str], None], bob: Any) -> None:
    before = bob.wallet.balance().tokens
    card = find(page, asset)
    assert "5 SAHARA" in card.inner_text()
    shot("market")
    card.get_by_role("button", name="Heights of sand dunes").click()

    detail = page.locator(".jp-Sahara-detail")
    detail.get_by_role("heading", name="Heights of sand dunes").wait_for()
    assert page.locator(".jp-Sahara-detail img").count() == 0
    shot("detail")

    offer = detail.get_by_role("region", name="Commercial Remix")
    offer.get_by_role("button", name="License", exact=True).click()
    quote = page.locator(".jp-Sahara-quote")
    quote.wait_for()
    text = quote.inner_text()
    assert "alice" in text
    assert "protocol fee" in text
    assert "25 SAHARA" in text
    shot("quote")

    page.get_by_role("button", name="Pay 25 SAHARA").click()
    detail.get_by_role("region", name="Open it").wait_for()
    code = detail.locator(".jp-Sahara-code pre").inner_text()
    assert f"vault://{asset}@1" in code
    shot("licensed")
    assert before - bob.wallet.balance().tokens == 25 * 10**18
    assert [grant.asset for grant in bob.market.licenses() if grant.asset == asset] == [asset]
    find(page, asset).get_by_text("licensed").wait_for()

    page.locator(".jp-AccordionPanel-title", has_text="My assets").click()
    page.locator(".jp-Sahara-library").get_by_role("button", name=asset).wait_for()
    shot("my-assets")


def test_the_code_of_a_license_goes_into_the_notebook_and_runs(page: Any, asset: str, bob: Any) -> None:
    bob.market.license(asset, max_price="25")
    page.locator(".jp-LauncherCard[data-category=Notebook]").first.click()
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    find(page, asset).click()
    page.get_by_role("button", name="Insert into notebook").click()
    cell = page.locator(".jp-Notebook .jp-CodeCell", has_text=f"vault://{asset}@1")
    cell.wait_for()
    page.keyboard.press("Shift+Enter")
    page.locator(".jp-OutputArea-output", has_text="barchan").wait_for()


def test_the_code_of_a_license_can_be_dragged_into_the_notebook(page: Any, asset: str, bob: Any) -> None:
    bob.market.license(asset, max_price="25")
    page.locator(".jp-LauncherCard[data-category=Notebook]").first.click()
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    find(page, asset).click()
    code = page.locator(".jp-Sahara-detail .jp-Sahara-code pre")
    code.wait_for()
    # Both tabs must be in sight to drag from one to the other.
    page.evaluate("""() => {
        const shell = jupyterapp.shell;
        const [notebook] = [...shell.widgets('main')].filter(widget => widget.hasClass('jp-NotebookPanel'));
        shell.add(notebook, 'main', { mode: 'split-bottom' });
    }""")
    cell = page.locator(".jp-Notebook .jp-Cell").first
    cell.wait_for()
    start, end = code.bounding_box(), cell.bounding_box()
    page.mouse.move(start["x"] + 20, start["y"] + 20)
    page.mouse.down()
    page.mouse.move(start["x"] + 30, start["y"] + 40, steps=4)
    page.mouse.move(end["x"] + 60, end["y"] + end["height"] / 2, steps=8)
    page.mouse.up()
    page.locator(".jp-Notebook .jp-CodeCell", has_text=f"vault://{asset}@1").wait_for()


def test_cancel_pays_nothing_and_enter_does_not_pay(page: Any, asset: str, bob: Any) -> None:
    page.get_by_label("Account that acts").select_option("carol")
    carol = bob.use("carol")
    before = carol.wallet.balance().tokens
    find(page, asset).click()
    offer = page.get_by_role("region", name="Non-Commercial Research")
    offer.get_by_role("button", name="License", exact=True).click()
    page.locator(".jp-Sahara-quote").wait_for()
    page.keyboard.press("Enter")
    page.locator(".jp-Sahara-quote").wait_for(state="detached")
    assert carol.wallet.balance().tokens == before


def test_alice_sees_what_she_can_claim(
    page: Any, asset: str, alice: Any, bob: Any, shot: Callable[[str], None]
) -> None:
    bob.market.license(asset, max_price="25")
    page.get_by_label("Account that acts").select_option("alice")
    page.locator(".jp-AccordionPanel-title", has_text="My assets").click()
    library = page.locator(".jp-Sahara-library")
    library.get_by_role("button", name="Heights of sand dunes").first.wait_for()
    library.get_by_role("button", name="Claim").click()
    page.wait_for_function("() => document.querySelector('.jp-Sahara-revenue strong')?.textContent === '0 SAHARA'")
    assert alice.market.earnings().claimable == 0
    shot("claimed")


def test_filters_and_an_impossible_search(page: Any, asset: str) -> None:
    find(page, asset)
    page.get_by_role("button", name=re.compile("^Models")).click()
    page.get_by_text("Nothing matches").wait_for()
    page.get_by_role("button", name="Clear").click()
    page.locator(".jp-Sahara-card").first.wait_for()
    page.get_by_role("button", name="Filters").click()
    page.get_by_label("Highest price in SAHARA").fill("1")
    page.get_by_role("searchbox").fill("(((")
    page.get_by_text("Nothing matches").wait_for()


@pytest.fixture
def finished_job(home: Path) -> Iterator[str]:
    """The folder that a finished job leaves."""
    folder = JobFolder(Profile("local").jobs / "train-20261123-020000-side")
    now = time.time()
    record = {
        "id": folder.id, "name": "dune-net", "status": "done", "message": "", "created": "2026-11-23T02:00:00.000Z",
        "created_at": now - 90, "seconds": 31.5, "workers": 2, "inputs": [], "captured": [], "error": None,
        "metrics": {"train_loss": 0.12, "val_acc": 0.97}, "client": os.getpid(), "keeper": None,
    }  # fmt: skip
    folder.create(record, "trainer.fit(model)")
    for step in range(20):
        folder.append({"kind": "metrics", "step": step, "epoch": 0, "values": {"train_loss": 2 / (step + 1)}})
    folder.weights.write_bytes(b"weights")
    yield folder.id
    shutil.rmtree(folder.path)


def test_a_finished_job_shows_its_curve_and_how_to_publish_it(
    page: Any, finished_job: str, shot: Callable[[str], None]
) -> None:
    page.locator(".jp-AccordionPanel-title", has_text=re.compile("^Jobs")).click()
    page.locator(".jp-AccordionPanel-title", has_text="Market").click()
    page.get_by_role("button", name="dune-net", exact=True).click()
    page.get_by_role("img", name="train_loss").wait_for()
    assert f'lab.compute.job("{finished_job}")' in page.locator(".jp-Sahara-jobOpen pre").inner_text()
    shot("job")


def test_dark_theme(page: Any, asset: str, shot: Callable[[str], None]) -> None:
    page.evaluate("jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })")
    page.wait_for_selector('body[data-jp-theme-light="false"]', state="attached")
    find(page, asset).click()
    page.locator(".jp-Sahara-detail h1").wait_for()
    shot("dark")

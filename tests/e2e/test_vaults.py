"""The vault section of the sidebar: files go in, are found again, are shared, and open in a notebook."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sahara_lab.errors import NotFound, SaharaError

pytestmark = [pytest.mark.e2e, pytest.mark.network]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as it may lie on somebody's desktop."""
    import pandas as pd

    folder = tmp_path / f"Dune Data {secrets.token_hex(3)}"
    (folder / "more").mkdir(parents=True)
    table = pd.DataFrame({"height": [12.5, 30.25, 41.0], "kind": ["barchan", "star", "linear"]})
    table.to_parquet(folder / "dunes.parquet")
    table.to_csv(folder / "more" / "dunes.csv")
    (folder / "notes.md").write_text("Measured by hand.")
    (folder / ".DS_Store").write_bytes(b"left by a file manager")
    return folder


@pytest.fixture
def name(folder: Path) -> str:
    return f"alice/{folder.name.lower().replace(' ', '-')}"


def act(page: Any, account: str) -> None:
    """Act as an account, with the vault section open."""
    page.get_by_label("Account that acts").select_option(account)
    for section, open in (("My vaults", "true"), ("Market", "false")):
        title = page.locator(".jp-AccordionPanel-title", has_text=section)
        if title.get_attribute("aria-expanded") != open:
            title.click()


def row(page: Any, key: str) -> Any:
    return page.locator(f'.jp-Sahara-row[data-key="{key}"]')


def choose(page: Any, key: str, item: str) -> None:
    """Pick from the menu of a row."""
    row(page, key).click(button="right")
    page.locator(".lm-Menu-item", has_text=item).click()


def upload(page: Any, folder: Path, name: str) -> None:
    page.locator("input[data-take=folder]").set_input_files(folder)
    form = page.locator(".jp-Sahara-form")
    form.get_by_text("Sends and encrypts 3 files").wait_for()
    assert form.get_by_label("Name").input_value() == name.split("/")[1]
    page.get_by_role("button", name="Encrypt and publish").click()
    row(page, name).wait_for()


def test_a_folder_from_the_desktop_becomes_a_vault_that_opens_in_a_notebook(
    page: Any, folder: Path, name: str, alice: Any, carol: Any, shot: Callable[[str], None]
) -> None:
    page.locator(".jp-LauncherCard[data-category=Notebook]").first.click()
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    act(page, "alice")
    page.locator("input[data-take=folder]").set_input_files(folder)
    form = page.locator(".jp-Sahara-form")
    form.get_by_label("Title").fill("Heights of dunes")
    form.get_by_label("also use it in their business").check()
    form.get_by_label("What does it cost?").fill("lots")
    page.get_by_role("button", name="Encrypt and publish").click()
    page.locator(".jp-Sahara-form [role=alert]").wait_for()
    page.locator(".jp-Sahara-form").get_by_label("What does it cost?").fill("3")
    shot("vault-new")
    page.get_by_role("button", name="Encrypt and publish").click()
    row(page, name).wait_for()
    assert alice.market.get(name).offers[0].summary == "Commercial, 3 SAHARA"

    row(page, name).click()
    row(page, f"{name}/more").click()
    row(page, f"{name}/more/dunes.csv").wait_for()
    assert "B" in row(page, f"{name}/more").locator(".jp-Sahara-size").inner_text()
    tree = page.get_by_role("tree", name="My vaults")
    tree.get_by_text("alice (owner)").first.wait_for()
    shot("vault-tree")

    tree.focus()
    row(page, f"{name}/more/dunes.csv").click()
    page.keyboard.press("ArrowDown")
    page.locator(f'[aria-selected=true][data-key="{name}/dunes.parquet"]').wait_for()
    page.keyboard.press("Enter")
    page.locator(".jp-Notebook .jp-CodeCell", has_text=f"vault://{name}@1/dunes.parquet").wait_for()
    page.keyboard.press("Shift+Enter")
    page.locator(".jp-OutputArea-output", has_text="barchan").wait_for()

    start = row(page, f"{name}/more/dunes.csv").bounding_box()
    end = page.locator(".jp-Notebook .jp-Cell").first.bounding_box()
    page.mouse.move(start["x"] + 60, start["y"] + 10)
    page.mouse.down()
    page.mouse.move(start["x"] + 80, start["y"] + 30, steps=4)
    page.mouse.move(end["x"] + 60, end["y"] + end["height"] / 2, steps=8)
    page.mouse.up()
    page.locator(".jp-Notebook .jp-CodeCell", has_text=f"vault://{name}@1/more/dunes.csv").wait_for()

    choose(page, name, "Share…")
    page.locator(".jp-Sahara-form").get_by_label("With").fill("carol")
    page.locator(".jp-Sahara-form select").select_option("30 days")
    shot("vault-share")
    page.get_by_role("button", name="Share", exact=True).click()
    tree.get_by_text("carol (shared, until").wait_for()
    choose(page, name, "Who Can Read")
    page.locator(".jp-Sahara-readers tr", has_text="carol").get_by_text("shared").wait_for()
    shot("vault-readers")
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    assert carol.vault.open(f"{name}/notes.md").read() == b"Measured by hand."


def test_one_file_is_shared_and_nothing_beside_it(page: Any, folder: Path, name: str, carol: Any) -> None:
    act(page, "alice")
    upload(page, folder, name)
    row(page, name).click()
    choose(page, f"{name}/notes.md", "Share…")
    form = page.locator(".jp-Sahara-form")
    form.get_by_text("nothing beside it").wait_for()
    form.get_by_label("With").fill("carol")
    page.get_by_role("button", name="Share", exact=True).click()
    page.get_by_role("tree", name="My vaults").get_by_text("carol (shared of notes.md").wait_for()
    assert carol.vault.open(f"{name}/notes.md").read() == b"Measured by hand."
    with pytest.raises(SaharaError):
        carol.vault.open(f"{name}/more/dunes.csv").read()


def test_what_is_dropped_on_a_vault_becomes_its_next_version(
    page: Any, folder: Path, name: str, alice: Any, shot: Callable[[str], None]
) -> None:
    act(page, "alice")
    upload(page, folder, name)
    row(page, name).click()
    row(page, f"{name}/more").wait_for()
    transfer = page.evaluate_handle("""() => {
        const transfer = new DataTransfer();
        transfer.items.add(new File(['dropped'], 'added.txt'));
        return transfer;
    }""")
    for event in ("dragover", "drop"):
        row(page, f"{name}/more").dispatch_event(event, {"dataTransfer": transfer})
    page.locator(".jp-Sahara-plan").get_by_text("Adds 1 file").wait_for()
    shot("vault-version")
    page.get_by_role("button", name="Publish", exact=True).click()
    row(page, name).get_by_text("v2").wait_for()
    assert alice.vault.open(f"{name}@2/more/added.txt").read() == b"dropped"
    assert alice.vault.open(f"{name}@2/notes.md").read() == b"Measured by hand."

    choose(page, name, "Renew Keys…")
    page.locator(".jp-Sahara-plan").get_by_text("No file is encrypted again").wait_for()
    shot("vault-renew")
    page.get_by_role("button", name="Renew keys").click()
    page.get_by_text("2 versions have new keys").wait_for()


def test_what_was_open_is_open_again_when_the_page_is_loaded_again(page: Any, folder: Path, name: str) -> None:
    act(page, "alice")
    upload(page, folder, name)
    row(page, name).click()
    with page.expect_response(lambda answer: "/api/workspaces" in answer.url and answer.request.method == "PUT"):
        row(page, f"{name}/more").click()
    page.reload()
    page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('sahara-lab:open')")
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    page.evaluate("jupyterapp.commands.execute('sahara-lab:open')")
    page.wait_for_selector(".jp-Sahara-network[data-state=up]")
    act(page, "alice")
    row(page, f"{name}/more/dunes.csv").wait_for()


def test_a_canceled_upload_leaves_nothing(page: Any, folder: Path, name: str, alice: Any) -> None:
    act(page, "alice")
    held: list[Any] = []
    page.route(re.compile(r"/uploads/[0-9a-f]{32}\?.*offset"), lambda route: held.append(route))
    page.locator("input[data-take=folder]").set_input_files(folder)
    page.get_by_role("button", name="Encrypt and publish").click()
    bar = page.get_by_role("progressbar")
    bar.wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("Canceled. Nothing was published.").wait_for()
    with pytest.raises(NotFound):
        alice.market.get(name)
    assert name.split("/")[1] not in alice.vault.fs.drafts()


def test_thousands_of_files_scroll_with_few_rows_in_the_page(
    page: Any, alice: Any, tmp_path: Path, shot: Callable[[str], None]
) -> None:
    for number in range(3000):
        (tmp_path / f"{number:04}.txt").write_text(str(number))
    name = f"alice/many-{secrets.token_hex(3)}"
    alice.market.publish(tmp_path, name=name.split("/")[1])
    act(page, "alice")
    row(page, name).click()
    row(page, f"{name}/0000.txt").wait_for()
    tree = page.get_by_role("tree", name="My vaults")
    tree.focus()
    for _ in range(6):  # 500 entries at a time
        page.keyboard.press("End")
        page.wait_for_function("() => !document.querySelector('.jp-Sahara-row[data-kind=more]')")
    page.keyboard.press("End")
    assert page.locator(".jp-Sahara-row").count() < 120
    assert tree.get_by_role("treeitem").first.get_attribute("aria-setsize")


def test_dark_and_narrow(page: Any, folder: Path, name: str, shot: Callable[[str], None]) -> None:
    act(page, "alice")
    upload(page, folder, name)
    row(page, name).click()
    row(page, f"{name}/dunes.parquet").click()
    page.evaluate("jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })")
    page.wait_for_selector('body[data-jp-theme-light="false"]', state="attached")
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    page.get_by_text("alice (owner)").first.wait_for()
    shot("vault-dark")
    row(page, f"{name}/dunes.parquet").click(button="right")
    page.locator(".lm-Menu-item", has_text="Insert Code").wait_for()
    shot("vault-menu")
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 620, "height": 560})
    page.get_by_role("tree", name="My vaults").wait_for()
    shot("vault-narrow")

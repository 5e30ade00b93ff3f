"""The license card and the DAO panel in a real browser, without a notebook around them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from sahara_lab import License

pytestmark = [pytest.mark.e2e, pytest.mark.network]

EVIL = '<img src=x onerror="document.title=1">'


@pytest.fixture(scope="module")
def offered(alice: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An asset of Alice's, with markup where a title should be."""
    folder = tmp_path_factory.mktemp("oases")
    (folder / "oases.csv").write_text("palms\n3\n")
    terms = [License.commercial_remix("6", "10%"), License.commercial("11")]
    return str(alice.market.publish(folder, name="oases", title=f"Oases {EVIL}", license=terms).name)


@pytest.fixture(scope="module")
def page(
    offered: str, voila: Callable[..., str], new_page: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """Both widgets as Bob's; the card is shown twice."""
    cells = [
        f"import sahara_lab as sahara\ncard = sahara.LicenseCard({offered!r})\ncard",
        "card",
        "sahara.DaoPanel()",
        "chooser = sahara.LicenseChooser()\nchooser",
        f"sahara.LineageGraph({offered!r})",
        "sahara.EarningsPanel(sahara.connect(account='alice'))",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = tmp_path_factory.mktemp("widgets") / "widgets.ipynb"
    nbformat.write(notebook, path)
    opened = new_page(width=1100, height=1400)
    opened.goto(voila(path, SAHARA_LAB_ACCOUNT="bob"))
    opened.get_by_text("Governance", exact=True).wait_for()
    opened.get_by_text("Earnings of alice", exact=True).wait_for()
    yield opened
    opened.context.close()


def test_a_license_is_bought_at_the_price_shown_and_every_view_knows(page: Any, offered: str, bob: Any) -> None:
    before = bob.wallet.balance().tokens
    assert page.title() != "1"
    page.get_by_role("button", name="License for 6 SAHARA").first.click()
    assert bob.wallet.balance().tokens == before
    page.get_by_role("button", name="Pay", exact=True).dblclick()
    page.get_by_text(re.compile("You hold license")).nth(1).wait_for()
    assert before - bob.wallet.balance().tokens == 6 * 10**18
    assert page.get_by_role("button", name=re.compile("License for")).count() == 0
    assert offered in [grant.asset for grant in bob.market.licenses()]


def test_a_proposal_is_made_voted_on_queued_and_executed(page: Any, bob: Any) -> None:
    goal = "2%" if {entry.name: entry.value for entry in bob.dao.parameters()}["fee"] != 200 else "1.5%"
    page.get_by_label("New value").fill(goal)
    page.get_by_label("Reason").fill("Cheaper for all.")
    page.get_by_role("button", name="Propose").click()
    proposal = page.get_by_role("region", name=re.compile("^Proposal ")).filter(has_text=f"sales to {goal}").first
    proposal.wait_for()
    bob.network.advance(2)
    page.get_by_role("button", name="Refresh").first.click()
    proposal.get_by_role("button", name="For", exact=True).click()
    proposal.get_by_text("You voted for").wait_for()
    page.get_by_role("button", name="Move the clock 6 minutes").click()
    proposal.get_by_role("button", name="Queue").click()
    page.get_by_role("button", name="Move the clock 6 minutes").click()
    proposal.get_by_role("button", name="Execute").click()
    page.get_by_text(f"(now {goal})").first.wait_for(state="attached")
    assert format(next(entry.value for entry in bob.dao.parameters() if entry.name == "fee") / 100, "g") + "%" == goal


def test_a_value_that_cannot_be_is_refused_in_one_line(page: Any) -> None:
    page.get_by_label("New value").fill("99%")
    page.get_by_role("button", name="Propose").click()
    page.get_by_role("alert").get_by_text("can be at most 10%").wait_for()


def test_a_license_is_chosen_by_plain_questions(page: Any) -> None:
    license = page.get_by_role("region", name="The license")
    license.get_by_text("Non-Commercial Research", exact=True).wait_for()
    page.get_by_role("button", name="let code train on it where it lies, and never see it").click()
    license.get_by_text("Compute-Only", exact=True).wait_for()


def test_earnings_are_claimed_and_lineage_is_drawn(page: Any, offered: str, alice: Any) -> None:
    assert offered in page.get_by_role("list", name=f"Lineage of {offered}").inner_text()
    earnings = page.locator(".sahara-widget", has_text="Earnings of alice")
    earnings.get_by_role("button", name="Refresh").click()
    earnings.get_by_role("button", name=re.compile("^Claim ")).click()
    earnings.get_by_role("button", name="Nothing to claim").wait_for()
    assert alice.market.earnings().claimable == 0
    if "SAHARA_LAB_SHOTS" in os.environ:
        page.screenshot(path=Path(os.environ["SAHARA_LAB_SHOTS"]) / "widgets.png", full_page=True)

"""Licenses that are asked for instead of bought, and what earnings leave behind: all in the sidebar."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Any

import pytest

from sahara_lab import License
from tests.on_site_jobs import end, forget, take

pytestmark = [pytest.mark.e2e, pytest.mark.network]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text("x\n1\n")
    return tmp_path


def show(page: Any, name: str) -> Any:
    page.evaluate("name => void jupyterapp.commands.execute('sahara-lab:open-asset', { name })", name)
    detail = page.locator(".jp-Sahara-page:visible .jp-Sahara-detail")
    detail.get_by_role("region", name="Reviews").wait_for()
    return detail


def act(page: Any, account: str) -> None:
    """Act as an account, with its assets in view."""
    page.get_by_label("Account that acts").select_option(account)
    title = page.locator(".jp-AccordionPanel-title", has_text="My assets")
    if title.get_attribute("aria-expanded") != "true":
        title.click()


def ask(page: Any, name: str, note: str) -> None:
    show(page, name).get_by_role("button", name="Ask the owner").click()
    page.get_by_label("What is it for?").fill(note)
    page.locator(".jp-Dialog").get_by_role("button", name="Ask the owner").click()
    show(page, name).get_by_text("the owner has not answered").wait_for()


def test_what_has_no_price_is_asked_for_and_granted(page: Any, alice: Any, bob: Any, folder: Path, shot: Any) -> None:
    name = alice.market.publish(folder, name=f"kept-{secrets.token_hex(3)}").name
    ask(page, name, "for my <i>thesis</i>")
    act(page, "alice")
    requests = page.get_by_role("region", name="Requests")
    row = requests.get_by_role("listitem").filter(has_text=name)
    row.get_by_text("for my <i>thesis</i>").wait_for()
    shot("request")
    row.get_by_role("button", name="Grant").click()
    row.wait_for(state="detached")
    assert bob.market.may_use(name, "training")
    act(page, "bob")
    show(page, name).get_by_role("heading", name="Licensed").wait_for()


def test_code_on_data_that_must_not_leave_is_read_and_answered(
    page: Any, alice: Any, bob: Any, folder: Path, shot: Any
) -> None:
    name = alice.market.publish(folder, name=f"secret-{secrets.token_hex(3)}", license=License.compute_only("1")).name
    act(page, "alice")
    job = take(alice, bob, name, "print('<b>counts</b> rows')")
    try:
        row = page.get_by_role("region", name="Jobs on your data").get_by_role("listitem").filter(has_text=name)
        row.get_by_label("The code").get_by_text("print('<b>counts</b> rows')").wait_for()
        shot("job-review")
        row.get_by_role("button", name="Let it run").click()
        row.wait_for(state="detached")
        end(alice, job, {"status": "done"})
        row.get_by_text("metrics.json").wait_for()
        shot("job-results")
        row.get_by_role("button", name="Keep them here").click()
        row.wait_for(state="detached")
        assert [one for one in alice.machine.review() if one.job == job] == []
    finally:
        forget(alice, job)


def test_a_declined_request_says_so_and_can_be_made_again(page: Any, alice: Any, bob: Any, folder: Path) -> None:
    name = alice.market.publish(folder, name=f"shut-{secrets.token_hex(3)}").name
    ask(page, name, "out of curiosity")
    [request] = [one for one in alice.market.requests() if one.asset == name]
    alice.market.decline(request)
    detail = show(page, name)
    detail.get_by_text("The owner declined your request.").wait_for()
    detail.get_by_role("button", name="Ask the owner").wait_for()
    assert not bob.market.may_use(name, "training")


def test_earnings_are_claimed_by_one_press_and_saved_as_a_file(
    page: Any, alice: Any, bob: Any, folder: Path, tmp_path: Path
) -> None:
    terms = License.commercial("4")
    name = alice.market.publish(folder, name=f"sold-{secrets.token_hex(3)}", license=terms).name
    bob.market.license(name, max_price="4")
    act(page, "alice")
    revenue = page.locator(".jp-Sahara-revenue")
    with page.expect_download() as saved:
        revenue.get_by_role("button", name="Statement").click()
    assert saved.value.suggested_filename == "earnings-alice.csv"
    saved.value.save_as(tmp_path / "earnings.csv")
    assert any(name in line and "bob" in line for line in (tmp_path / "earnings.csv").read_text().splitlines())
    before = alice.wallet.balance().tokens
    revenue.get_by_role("button", name="Claim").click()
    revenue.locator("strong", has_text=re.compile("^0 SAHARA$")).wait_for()
    assert alice.wallet.balance().tokens > before
    assert alice.market.earnings().claimable == 0

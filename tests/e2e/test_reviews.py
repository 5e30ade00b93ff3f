"""What people say of a listing, in the sidebar and on its page: reviews, reports, decisions of the DAO."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from sahara_lab import License

pytestmark = [pytest.mark.e2e, pytest.mark.network]


@pytest.fixture
def listed(alice: Any, tmp_path: Any) -> str:
    """An asset of Alice's that costs 3."""
    (tmp_path / "rows.csv").write_text("x\n1\n")
    name = f"gazelle{secrets.token_hex(3)}"
    return str(alice.market.publish(tmp_path, name=name, license=License.commercial("3")).name)


def show(page: Any, name: str) -> Any:
    """Open an asset's page by its command; the page."""
    page.evaluate("name => void jupyterapp.commands.execute('sahara-lab:open-asset', { name })", name)
    detail = page.locator(".jp-Sahara-page:visible .jp-Sahara-detail")
    detail.get_by_role("region", name="Reviews").wait_for()
    return detail


def card(page: Any, name: str) -> Any:
    """Search for an asset; its card."""
    page.get_by_role("searchbox").fill(name.partition("/")[2])
    found = page.locator(f'.jp-Sahara-card[data-sahara-asset="{name}"]')
    found.wait_for()
    return found


def test_a_license_holder_writes_a_review_and_changes_it(
    page: Any, listed: str, bob: Any, carol: Any, shot: Callable[[str], None]
) -> None:
    carol.market.license(listed, max_price="3")
    carol.market.review(listed, 2, "too few <b>rows</b>")
    reviews = show(page, listed).get_by_role("region", name="Reviews")
    reviews.get_by_text("too few <b>rows</b>").wait_for()
    assert reviews.get_by_role("form").count() == 0  # who holds no license says nothing
    bob.market.license(listed, max_price="3")
    reviews.get_by_label("5 stars", exact=True).check()
    reviews.get_by_role("textbox").fill("clean rows")
    reviews.get_by_role("button", name="Publish the review").click()
    reviews.get_by_role("button", name="Change the review").wait_for()
    reviews.get_by_text("3.5 of 5 stars in 2 reviews; 2 with a license that was paid for").wait_for()
    shot("reviews")
    newest = next(iter(bob.market.reviews(listed)))
    assert (newest.author, newest.stars, newest.text) == ("bob", 5, "clean rows")
    card(page, listed).get_by_label("3.5 of 5 stars in 2 reviews").wait_for()
    reviews.get_by_role("button", name="Take it back").click()
    reviews.get_by_text("2.0 of 5 stars in 1 review;").wait_for()
    assert [one.author for one in bob.market.reviews(listed)] == ["carol"]


def test_a_problem_is_reported_once(page: Any, listed: str, alice: Any) -> None:
    detail = show(page, listed)
    detail.get_by_role("button", name="Report a problem").click()
    page.get_by_label("What is wrong?").fill("these are my rows")
    page.locator(".jp-Dialog").get_by_role("button", name="Report").click()
    detail.get_by_text("1 account has reported it").wait_for()
    assert alice.market.get(listed).reputation.reports == 1
    detail.get_by_role("button", name="Report a problem").click()
    page.get_by_label("What is wrong?").fill("again")
    page.locator(".jp-Dialog").get_by_role("button", name="Report").click()
    page.get_by_text(re.compile("already", re.IGNORECASE)).first.wait_for()
    assert alice.market.get(listed).reputation.reports == 1


def test_a_listing_in_dispute_or_taken_down_says_so_everywhere(
    page: Any, listed: str, alice: Any, decide: Any, shot: Callable[[str], None]
) -> None:
    found = card(page, listed)
    detail = show(page, listed)
    decide(alice.market.decision(listed, "disputed", "carol says they are hers"))
    found.get_by_text("disputed", exact=True).wait_for()
    detail.get_by_text("The DAO disputes this listing.").wait_for()
    detail.get_by_text("Its reason: carol says they are hers").wait_for()
    shot("disputed")
    detail.get_by_role("button", name="License", exact=True).click()
    page.locator(".jp-Sahara-quote").get_by_text("The DAO disputes this listing.").wait_for()
    shot("disputed-quote")
    page.locator(".jp-Dialog").get_by_role("button", name="Cancel").click()
    alice.market.appeal(listed, "I counted them myself")
    detail.get_by_text("its owner has appealed").wait_for()
    decide(alice.market.decision(listed, "taken down", "carol showed her notebook"))
    found.wait_for(state="detached")
    detail.get_by_text("The DAO has taken this listing down.").wait_for()
    detail.get_by_role("button", name="License", exact=True).wait_for(state="detached")


def test_a_verified_publisher_has_a_mark_and_a_filter(
    page: Any, listed: str, alice: Any, decide: Any, shot: Callable[[str], None]
) -> None:
    found = card(page, listed)
    decide(alice.market.verification("alice", "met at a conference"))
    found.get_by_text("✓ verified").wait_for()
    page.locator(".jp-Sahara-market").get_by_role("button", name="Filters").click()
    publishers = page.get_by_role("group", name="Publisher")
    publishers.get_by_role("button", name="verified 1").click()
    page.get_by_role("button", name="Do not narrow to verified publishers").wait_for()
    found.wait_for()
    shot("verified")
    page.get_by_role("button", name="Do not narrow to verified publishers").click()
    show(page, listed).get_by_text("✓ verified").wait_for()
    decide(alice.market.verification("alice", "key stolen", verified=False))
    found.get_by_text("✓ verified").wait_for(state="detached")

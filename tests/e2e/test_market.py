"""Finding things in the sidebar's market: facets, order, pages that follow, keyboard, context menu, the palette."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from sahara_lab import License

pytestmark = [pytest.mark.e2e, pytest.mark.network]

WORD = f"oryx{secrets.token_hex(2)}"
COUNT = 23


@pytest.fixture(scope="module")
def herd(alice: Any, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """More assets than one page holds, all found by one word."""
    folder = tmp_path_factory.mktemp("herd")
    (folder / "herd.csv").write_text("head\n1\n")
    names = []
    for number in range(COUNT):
        terms = License.commercial("50") if number % 2 else License.non_commercial_research("2")
        made = alice.market.publish(
            folder,
            name=f"{WORD}-{number}",
            title=f"{WORD} herd {number}",
            tags=("odd" if number % 2 else "even", "desert"),
            license=terms,
        )
        names.append(str(made.name))
    return names


def saved(request: Any) -> bool:
    """Whether a request keeps the workspace with the search in it."""
    return request.method == "PUT" and "/api/workspaces/" in request.url and '"even"' in (request.post_data or "")


def run_by_palette(page: Any, label: str) -> None:
    """Run a command from the palette; Lab closes it when any other command runs, and then it is opened again."""
    from playwright.sync_api import TimeoutError as Closed

    found = page.locator(".lm-CommandPalette-item.lm-mod-active", has_text=label)
    for patience in (5_000, 10_000, 60_000):
        page.keyboard.press("Control+Shift+C")
        with suppress(Closed):
            page.locator(".lm-CommandPalette-input").fill(f"Sahara: {label}", timeout=patience)
            found.click(timeout=patience)
            return
    pytest.fail(f"the palette does not offer {label}")


@pytest.fixture
def market(page: Any, herd: list[str]) -> Any:
    """The market section, with the herd found."""
    page.get_by_role("searchbox").fill(WORD)
    section = page.locator(".jp-Sahara-market")
    section.get_by_text(f"{COUNT} results").wait_for()
    return section


def test_facets_narrow_the_results_and_count_what_they_would_show(market: Any, shot: Callable[[str], None]) -> None:
    market.get_by_role("button", name="Filters").click()
    odd = COUNT // 2
    market.get_by_role("group", name="License").get_by_role("button", name=f"Commercial {odd}", exact=True).click()
    market.get_by_text(f"{odd} results").wait_for()
    shot("facets")
    # A facet counts what would be there without its own filter, and the others what is there with it.
    assert market.get_by_role("button", name=re.compile("^Non-Commercial Research ")).inner_text().endswith("12")
    assert market.get_by_role("group", name="Tags").get_by_role("button", name=re.compile("^even")).count() == 0
    market.get_by_role("group", name="Price in SAHARA").get_by_role("button", name=re.compile("^10 to 100")).click()
    market.get_by_role("button", name="Do not narrow to Commercial").click()
    market.get_by_text(f"{odd} results").wait_for()
    market.get_by_role("button", name="Clear", exact=True).click()
    market.get_by_role("list", name="Narrowed to").wait_for(state="detached")


def test_more_is_loaded_in_order_and_nothing_twice(market: Any) -> None:
    market.get_by_label("Order").select_option("newest")
    cards = market.locator(".jp-Sahara-card")
    market.get_by_text(f"20 of {COUNT} shown").wait_for()
    market.get_by_role("button", name="Load more").click()
    market.get_by_role("button", name="Load more").wait_for(state="detached")
    names = cards.evaluate_all("cards => cards.map(card => card.dataset.saharaAsset)")
    assert names == [f"alice/{WORD}-{number}" for number in reversed(range(COUNT))]


def test_the_most_licensed_comes_first(market: Any, bob: Any, herd: list[str]) -> None:
    bob.market.license(herd[4], max_price="2")
    market.get_by_label("Order").select_option("popular")
    first = market.locator(".jp-Sahara-card").first
    first.get_by_text("1 license", exact=True).wait_for()
    assert herd[4] in first.inner_text()


def test_the_keyboard_goes_through_the_results(page: Any, market: Any) -> None:
    box = market.get_by_role("searchbox")
    box.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    focused, place = page.evaluate("""() => {
        const card = document.activeElement.closest('.jp-Sahara-card');
        return [card.dataset.saharaAsset, [...document.querySelectorAll('.jp-Sahara-card')].indexOf(card)];
    }""")
    assert place == 1
    page.keyboard.press("Enter")
    page.locator(".jp-Sahara-detail").get_by_text(focused, exact=True).wait_for()
    page.get_by_role("searchbox").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.type") == "search"


def test_a_typing_error_is_forgiven_and_said(market: Any) -> None:
    market.get_by_role("searchbox").fill("x" + WORD[1:])
    market.get_by_text(re.compile("None as typed, [0-9]+ similar")).wait_for()


def test_the_context_menu_and_the_palette_act_on_an_asset(page: Any, market: Any, herd: list[str]) -> None:
    card = market.locator(".jp-Sahara-card", has_text=herd[7]).first
    card.click(button="right")
    page.get_by_role("menuitem", name="Copy Name").click()
    assert page.evaluate("navigator.clipboard.readText()") == herd[7]
    card.click(button="right")
    page.get_by_role("menuitem", name="License Asset…").click()
    page.locator(".jp-Sahara-quote").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.locator(".jp-Dialog").wait_for(state="detached")
    run_by_palette(page, "Open Asset")
    wanted = page.get_by_placeholder("alice/digits")
    wanted.fill(herd[3])
    wanted.press("Enter")
    page.locator(".jp-Sahara-detail").get_by_text(herd[3], exact=True).wait_for()


def test_the_search_is_there_again_after_a_reload(page: Any, market: Any) -> None:
    market.get_by_role("button", name="Filters").click()
    with page.expect_response(lambda answer: saved(answer.request)):
        market.get_by_role("group", name="Tags").get_by_role("button", name=re.compile("^even")).click()
        market.get_by_text("12 results").wait_for()
    page.goto(page.url.split("?")[0])
    page.locator(".jp-Sahara-market").get_by_text("12 results").wait_for()
    assert page.get_by_role("searchbox").input_value() == WORD

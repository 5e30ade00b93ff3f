"""An asset's page in the main area, and what goes wrong while somebody buys."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sahara_lab import License

pytestmark = [pytest.mark.e2e, pytest.mark.network]

#: Markup, a direction override, zero-width characters: none of it may survive in what is shown.
EVIL = '\u202egnp.snoc\u202c<script>document.title="1"</script>\u200b<b onclick=alert()>bold</b>\ufeff'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("wells")
    (made / "wells.csv").write_text("depth,name\n3.5,Ain\n")
    return made


@pytest.fixture
def offered(alice: Any, folder: Path) -> Callable[..., str]:
    """Publishes something of Alice's; its name."""

    def publish(*, price: str = "10", **about: Any) -> str:
        name = f"wells-{secrets.token_hex(3)}"
        terms = License.commercial_remix(price, "10%")
        return str(alice.market.publish(folder, name=name, license=terms, **about).name)

    return publish


def show(page: Any, name: str) -> Any:
    """Open an asset's page by its command; the page."""
    page.evaluate("name => void jupyterapp.commands.execute('sahara-lab:open-asset', { name })", name)
    detail = page.locator(".lm-mod-current.jp-Sahara-page .jp-Sahara-detail, .jp-Sahara-page:visible .jp-Sahara-detail")
    detail.get_by_text(name, exact=True).first.wait_for()
    return detail


def quote(page: Any, name: str) -> None:
    show(page, name).get_by_role("button", name="License", exact=True).click()
    page.locator(".jp-Sahara-quote").wait_for()


def test_the_lineage_graph_leads_to_relatives_and_the_owner_sees_earnings(
    page: Any, offered: Callable[..., str], alice: Any, bob: Any, folder: Path, shot: Callable[[str], None]
) -> None:
    source = offered()
    bob.market.license(source, max_price="10")
    terms = License.commercial("5")
    made = bob.market.publish(folder, name=f"map-{secrets.token_hex(3)}", license=terms, parents=[source]).name
    graph = show(page, made).get_by_role("group", name="Made from and used in")
    assert graph.get_by_role("button").all_inner_texts() == [source, made]
    page.get_by_label("Account that acts").select_option("alice")
    graph.get_by_role("button", name=source).click()
    earnings = page.get_by_role("group", name="Earnings")
    earnings.get_by_text("1 license", exact=True).wait_for()
    shot("earnings")
    earnings.get_by_role("button", name="Claim").click()
    earnings.get_by_role("button", name="Claim").wait_for(state="detached")
    assert alice.market.earnings().claimable == 0
    assert "9.75 SAHARA" in earnings.inner_text()


def test_open_pages_come_back_after_a_reload(page: Any, offered: Callable[..., str]) -> None:
    name = offered(title="A well that stays")
    with page.expect_response(
        lambda answer: answer.request.method == "PUT" and name in (answer.request.post_data or "")
    ):
        show(page, name)
    page.goto(page.url.split("?")[0])
    page.locator(".jp-Sahara-detail").get_by_role("heading", name="A well that stays").wait_for()


def test_a_double_click_pays_once(page: Any, offered: Callable[..., str], bob: Any) -> None:
    name = offered(price="7")
    before = bob.wallet.balance().tokens
    show(page, name).get_by_role("button", name="License", exact=True).dblclick()
    pay = page.get_by_role("button", name="Pay 7 SAHARA")
    pay.wait_for()
    pay.dblclick()
    page.get_by_role("region", name="Open it").wait_for()
    assert before - bob.wallet.balance().tokens == 7 * 10**18
    assert [grant.asset for grant in bob.market.licenses()].count(name) == 1


def test_a_price_raised_after_the_quote_is_not_paid(
    page: Any, offered: Callable[..., str], alice: Any, bob: Any, shot: Callable[[str], None]
) -> None:
    name = offered(price="3")
    before = bob.wallet.balance().tokens
    quote(page, name)
    alice.market.offer(name, License.commercial_remix("9", "10%"))
    alice.market.withdraw(name, License.commercial_remix("3", "10%"))
    page.get_by_role("button", name="Pay 3 SAHARA").click()
    page.locator(".Toastify__toast", has_text="costs more than the quote said").wait_for()
    shot("price-raised")
    assert bob.wallet.balance().tokens == before


def test_a_listing_withdrawn_after_the_quote_is_not_paid(
    page: Any, offered: Callable[..., str], alice: Any, bob: Any
) -> None:
    name = offered(price="3")
    before = bob.wallet.balance().tokens
    quote(page, name)
    alice.market.withdraw(name, License.commercial_remix("3", "10%"))
    page.get_by_role("button", name="Pay 3 SAHARA").click()
    page.locator(".Toastify__toast", has_text=re.compile("not offered|no license|offers no", re.I)).wait_for()
    assert bob.wallet.balance().tokens == before


def test_tricks_in_a_title_are_plain_text(page: Any, offered: Callable[..., str]) -> None:
    name = offered(title=f"Wells {EVIL}", description=f"Deep. {EVIL}\n\n[x](javascript:alert(1))", tags=("wet", EVIL))
    page.get_by_role("searchbox").fill(name.split("/")[1])
    page.locator(".jp-Sahara-card", has_text=name).wait_for()
    detail = show(page, name)
    heading = detail.get_by_role("heading", level=1).inner_text()
    assert "<script>" in heading
    assert not re.search("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", page.locator("body").inner_text())
    assert page.locator(".jp-Sahara-detail script, .jp-Sahara-card b, .jp-Sahara-detail [onclick]").count() == 0
    assert page.locator(".jp-Sahara-detail a[href^=javascript]").count() == 0
    assert page.title() != "1"

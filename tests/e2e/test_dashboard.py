"""The dashboard notebook, served by Voila, in a real browser."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sahara_lab import License

NOTEBOOKS = Path(__file__).resolve().parents[2] / "example_notebooks"

pytestmark = [pytest.mark.e2e, pytest.mark.network]


@pytest.fixture(scope="module")
def address(alice: Any, bob: Any, voila: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where Voila serves the dashboard, after one sale of Alice's to Bob."""
    folder = tmp_path_factory.mktemp("wells")
    (folder / "wells.csv").write_text("depth\n12\n30\n")
    asset = alice.market.publish(folder, name="wells", title="Depths of wells", license=License.commercial("7"))
    bob.market.license(asset.name, max_price="7")
    return voila(NOTEBOOKS / "dashboard.ipynb")


@pytest.fixture(scope="module")
def page(address: str, chromium: Any) -> Iterator[Any]:
    opened = chromium.new_page(viewport={"width": 1280, "height": 900})
    opened.goto(address, timeout=120_000)
    opened.locator(".sahara-board").wait_for(timeout=120_000)
    yield opened
    opened.close()


def test_the_dashboard_shows_earnings_licenses_jobs_and_votes(page: Any) -> None:
    for panel in ("Earnings by asset", "Licenses held", "Training jobs", "Votes", "Sales"):
        assert page.get_by_role("region", name=panel).is_visible()
    assert "alice/wells" in page.get_by_role("region", name="Earnings by asset").inner_text()
    sales = page.get_by_role("region", name="Sales").inner_text()
    assert "bob" in sales
    assert "7 SAHARA" in sales


def test_no_code_and_no_traceback_is_shown(page: Any) -> None:
    text = page.locator("body").inner_text()
    assert "Traceback" not in text
    assert "import sahara_lab" not in text


def test_another_account_can_be_looked_at(page: Any) -> None:
    page.get_by_label("Account").select_option("bob")
    page.locator(".sahara-board h2", has_text="bob").wait_for(timeout=30_000)
    assert "alice/wells" in page.get_by_role("region", name="Licenses held").inner_text()


def test_reading_again_shows_what_has_changed(page: Any, bob: Any) -> None:
    page.get_by_label("Account").select_option("bob")
    page.locator(".sahara-board h2", has_text="bob").wait_for(timeout=30_000)
    proposal = bob.dao.propose_parameter("fee", "1%", title="A fee of one percent")
    page.get_by_role("button", name="Read again").click()
    page.get_by_text(f"#{proposal.number} A fee of one percent").wait_for(timeout=30_000)


def test_the_page_fits_a_telephone(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    board = page.locator(".sahara-board").bounding_box()
    assert board["width"] <= 390


def test_the_notebooks_beside_it_cannot_be_downloaded(address: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{address}/voila/files/00_quickstart.ipynb", timeout=10)  # noqa: S310 - loopback
    assert refused.value.code in (403, 404)

"""The dashboard in a real browser: the notebook served by Voila, and the page that also claims and votes."""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from sahara_lab import License
from sahara_lab.units import format_tokens

NOTEBOOKS = Path(__file__).resolve().parents[2] / "example_notebooks"
TOKEN = secrets.token_hex(16)

pytestmark = [pytest.mark.e2e, pytest.mark.network]


@pytest.fixture(scope="module")
def sold(alice: Any, bob: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An asset of Alice's that Bob has licensed for 7 tokens."""
    folder = tmp_path_factory.mktemp("wells")
    (folder / "wells.csv").write_text("depth\n12\n30\n")
    asset = alice.market.publish(folder, name="wells", title="Depths of wells", license=License.commercial("7"))
    bob.market.license(asset.name, max_price="7")
    return str(asset.name)


@pytest.fixture(scope="module")
def address(sold: str, voila: Callable[..., str]) -> str:
    """Where Voila alone serves the notebook."""
    return voila(NOTEBOOKS / "dashboard.ipynb", JUPYTER_TOKEN=TOKEN)


@pytest.fixture(scope="module")
def acting(sold: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where ``python -m sahara_lab.dashboards`` serves the dashboard."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("dashboard")
    command = [sys.executable, "-m", "sahara_lab.dashboards", "--no-browser", f"--port={port}"]
    with (folder / "voila.log").open("wb") as log:
        environment = {**os.environ, "JUPYTER_TOKEN": TOKEN}
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 60
        while status(f"http://127.0.0.1:{port}/voila/files/none") == 0:
            if process.poll() is not None or time.monotonic() > end:
                pytest.fail((folder / "voila.log").read_text()[-3000:])
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def status(url: str) -> int:
    """The status of an answer to a stranger, whose redirect to a login page is not followed; 0 for no answer."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *given: Any) -> None:
            return None

    try:
        return int(urllib.request.build_opener(Stay).open(url, timeout=10).status)
    except urllib.error.HTTPError as answer:
        return answer.code
    except OSError:
        return 0


def opened(new_page: Any, address: str) -> Iterator[tuple[Any, list[Any]]]:
    """The page, and what it asked for."""
    page = new_page(width=1280)
    asked: list[Any] = []
    page.on("request", lambda request: asked.append(request))  # Playwright takes no built-in function
    page.on("websocket", lambda socket: asked.append(socket))
    page.goto(f"{address}/?token={TOKEN}")
    page.locator(".sahara-board").wait_for()
    yield page, asked
    page.context.close()


@pytest.fixture(scope="module")
def looking(address: str, new_page: Any) -> Iterator[tuple[Any, list[Any]]]:
    yield from opened(new_page, address)


@pytest.fixture(scope="module")
def page(looking: tuple[Any, list[Any]]) -> Any:
    return looking[0]


@pytest.fixture(scope="module")
def desk(acting: str, new_page: Any) -> Iterator[tuple[Any, list[Any]]]:
    """The page that claims and votes."""
    yield from opened(new_page, acting)


def tile(page: Any, name: str) -> str:
    return str(page.locator(".tile", has=page.get_by_text(name, exact=True)).locator("b").inner_text())


def short(wei: int) -> str:
    """As the tiles write it, made another way: three decimals, rounded down."""
    return f"{wei // 10**15 / 1000:,.3f}".rstrip("0").rstrip(".")


def test_the_numbers_are_those_of_the_lab(page: Any, alice: Any) -> None:
    earnings = alice.market.earnings()
    assert earnings.claimable > 0
    assert tile(page, "Claimable") == short(earnings.claimable)
    assert tile(page, "Earned so far") == short(sum(line.received for line in earnings.lines))
    assert tile(page, "Balance") == short(alice.wallet.balance().tokens)
    assert tile(page, "Licenses sold") == str(len(alice.market.sales()))
    assert tile(page, "Licenses held") == str(len([grant for grant in alice.market.licenses() if not grant.expired]))
    assert tile(page, "Training jobs") == str(len(alice.compute.jobs()))
    panel = page.get_by_role("region", name="Earnings by asset").inner_text()
    for line in earnings.lines:
        assert line.asset in panel
        assert format_tokens(line.received) in panel


def test_sales_jobs_and_votes_have_their_panels(page: Any, sold: str) -> None:
    for panel in ("Licenses held", "Training jobs", "Votes"):
        assert page.get_by_role("region", name=panel).is_visible()
    sales = page.get_by_role("region", name="Sales").inner_text()
    assert sold in sales
    assert "bob" in sales
    assert "7 SAHARA" in sales


def test_voila_alone_only_shows(page: Any) -> None:
    assert page.get_by_role("button", name=re.compile("Claim|Pay|Propose|^For$")).count() == 0
    assert page.locator(".sahara-widget").count() == 0


def test_no_code_and_no_traceback_is_shown(page: Any) -> None:
    text = page.locator("body").inner_text()
    assert "Traceback" not in text
    assert "import sahara_lab" not in text


def test_another_account_can_be_looked_at(page: Any, sold: str) -> None:
    page.get_by_label("Account").select_option("bob")
    page.locator(".sahara-board h2", has_text="bob").wait_for()
    assert sold in page.get_by_role("region", name="Licenses held").inner_text()


def test_reading_again_shows_what_has_changed(page: Any, bob: Any) -> None:
    page.get_by_label("Account").select_option("bob")
    page.locator(".sahara-board h2", has_text="bob").wait_for()
    proposal = bob.dao.propose_parameter("fee", "1%", title="A fee of one percent")
    page.get_by_role("button", name="Read again").click()
    page.get_by_text(f"#{proposal.number} A fee of one percent").wait_for()


def test_claiming_asks_first_and_pays_what_it_said(desk: tuple[Any, list[Any]], alice: Any) -> None:
    page, _ = desk
    due, before = alice.market.earnings().claimable, alice.wallet.balance().tokens
    page.get_by_role("button", name=f"Claim {format_tokens(due)}").click()
    page.get_by_text(f"Pay {format_tokens(due)} out to alice?").wait_for()
    page.get_by_role("button", name="Not now").click()
    page.get_by_role("button", name=f"Claim {format_tokens(due)}").click()
    assert alice.wallet.balance().tokens == before
    page.get_by_role("button", name="Pay out").click()
    page.get_by_text(f"{format_tokens(due)} paid out to alice").wait_for()
    assert alice.wallet.balance().tokens == before + due
    assert page.get_by_role("button", name="Nothing to claim").is_disabled()
    assert tile(page, "Claimable") == "0"


def test_the_panel_votes_and_the_numbers_follow(desk: tuple[Any, list[Any]], alice: Any) -> None:
    page, _ = desk
    proposal = alice.dao.propose_parameter("fee", "1.25%", title="A vote from the dashboard")
    alice.network.advance("2 seconds")
    page.get_by_role("button", name="Read again").click()
    voting = page.get_by_role("group", name=f"Vote on proposal {proposal.number}")
    voting.wait_for()
    open_before = page.locator(".tile", has_text="Voting power").inner_text()
    voting.get_by_role("button", name="For", exact=True).click()
    voting.wait_for(state="detached")
    page.wait_for_function(
        "before => [...document.querySelectorAll('.tile')].every((tile) => tile.innerText !== before)", arg=open_before
    )
    assert next(p for p in alice.dao.proposals() if p.number == proposal.number).my_vote == "for"


def test_switching_accounts_switches_who_claims_and_votes(desk: tuple[Any, list[Any]]) -> None:
    page, _ = desk
    page.get_by_label("Account").select_option("bob")
    page.locator(".sahara-board h2", has_text="bob").wait_for()
    page.locator(".sahara-widget", has_text="bob").wait_for()
    assert page.locator(".sahara-widget").count() == 1
    if "SAHARA_LAB_SHOTS" in os.environ:
        take_pictures(page, Path(os.environ["SAHARA_LAB_SHOTS"]))


def test_no_request_leaves_this_machine(desk: tuple[Any, list[Any]], looking: tuple[Any, list[Any]]) -> None:
    for _, asked in (desk, looking):
        # What the page's policy forbids is seen here too, though the browser never sends it.
        sent = [request.url for request in asked if getattr(request, "failure", None) != "csp"]
        hosts = {urlsplit(url).hostname for url in sent if urlsplit(url).scheme in ("http", "https", "ws", "wss")}
        assert hosts == {"127.0.0.1"}
        assert any(url.startswith("ws://127.0.0.1") for url in sent)


def test_a_stranger_is_asked_for_the_token(acting: str, address: str) -> None:
    for place in (acting, address):
        assert status(place) in (302, 403)
        assert status(f"{place}/api/kernels/00000000-0000-0000-0000-000000000000") == 403
        assert status(f"{place}/api/kernels/00000000-0000-0000-0000-000000000000/channels") == 403


def test_the_page_fits_a_telephone(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    board = page.locator(".sahara-board").bounding_box()
    assert board["width"] <= 390


def test_the_notebooks_beside_it_cannot_be_downloaded(address: str) -> None:
    assert status(f"{address}/voila/files/00_quickstart.ipynb?token={TOKEN}") in (403, 404)


def take_pictures(page: Any, folder: Path) -> None:
    """The page in both themes, for people to look at."""
    for theme in ("light", "dark"):
        page.goto(page.url.split("?")[0] + f"?token={TOKEN}&theme={theme}")
        page.locator(".sahara-board").wait_for()
        page.locator(".sahara-widget").wait_for()
        page.set_viewport_size({"width": 1280, "height": 1700})
        page.screenshot(path=str(folder / f"dashboard-{theme}.png"))

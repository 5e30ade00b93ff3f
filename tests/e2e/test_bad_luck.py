"""What strangers and bad connections do to a buyer: names that look like others', answers that never arrive."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sahara_lab import License
from tests.e2e.conftest import open_lab

pytestmark = [pytest.mark.e2e, pytest.mark.network]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text("x\n1\n")
    return tmp_path


@pytest.fixture
def impostor(alice: Any) -> Any:
    """Somebody whose handle looks like Alice's."""
    from sahara_lab.chain import Keyring, Sender
    from sahara_lab.identity import enroll
    from sahara_lab.vault import public_bytes

    profile, handle = alice.profile, "a1ice"
    wallet = Keyring(profile).create_local(handle, encryption_public=public_bytes)
    alice.chain.rpc("anvil_setBalance", wallet.address, hex(10**21))
    enroll(alice.chain, wallet, Sender(alice.chain, wallet, profile.state / f"journal-{handle}.jsonl"))
    return alice.use(handle)


def card(page: Any, name: str) -> Any:
    page.get_by_role("searchbox").fill(name.partition("/")[2])
    found = page.locator(f'.jp-Sahara-card[data-sahara-asset="{name}"]')
    found.wait_for()
    return found


def test_a_name_that_could_be_taken_for_another_is_flagged(
    page: Any, alice: Any, impostor: Any, folder: Path, shot: Callable[[str], None]
) -> None:
    name = f"digits-{secrets.token_hex(3)}"
    alice.market.publish(folder, name=name, license=License.commercial("2"))
    impostor.market.publish(folder, name=name, license=License.commercial("1"))
    false = card(page, f"a1ice/{name}")
    false.get_by_text("not alice", exact=True).wait_for()
    assert card(page, f"alice/{name}").get_by_text("not a1ice", exact=True).count() == 0
    false.locator(".jp-Sahara-cardTitle").click()
    page.locator(".jp-Sahara-detail").get_by_text("a1ice is not alice, who was here first.").wait_for()
    shot("confusable")


def test_a_purchase_whose_answer_is_lost_is_found_and_paid_once(page: Any, alice: Any, bob: Any, folder: Path) -> None:
    name = alice.market.publish(folder, name=f"lost-{secrets.token_hex(3)}", license=License.commercial("6")).name
    before = bob.wallet.balance().tokens

    def lose(route: Any) -> None:
        route.fetch()  # the server does what it was asked for, and the page never hears of it
        route.abort("connectionreset")

    page.route("**/sahara-lab/api/license*", lose)
    page.evaluate("name => void jupyterapp.commands.execute('sahara-lab:license-asset', { name })", name)
    page.get_by_role("button", name="Pay 6 SAHARA").click()
    page.locator(".Toastify__toast--error").wait_for()
    page.unroute("**/sahara-lab/api/license*")
    card(page, name).get_by_text("licensed", exact=True).wait_for()
    assert before - bob.wallet.balance().tokens == 6 * 10**18
    assert [grant.asset for grant in bob.market.licenses()].count(name) == 1


def test_a_purchase_that_waits_for_a_block_is_found_after_the_page_was_closed(
    page: Any, jupyter: str, alice: Any, bob: Any, folder: Path
) -> None:
    name = alice.market.publish(folder, name=f"slow-{secrets.token_hex(3)}", license=License.commercial("6")).name
    before = bob.wallet.balance().tokens
    rpc = alice.chain.rpc
    rpc("evm_setIntervalMining", 86_400)
    try:
        page.evaluate("name => void jupyterapp.commands.execute('sahara-lab:license-asset', { name })", name)
        with page.expect_request("**/sahara-lab/api/license*"):
            page.get_by_role("button", name="Pay 6 SAHARA").click()
        page.goto("about:blank")
    finally:
        rpc("evm_setIntervalMining", 0)
        rpc("anvil_mine", "0x1")
    open_lab(page, jupyter)
    card(page, name).get_by_text("licensed", exact=True).wait_for()
    assert before - bob.wallet.balance().tokens == 6 * 10**18
    assert [grant.asset for grant in bob.market.licenses()].count(name) == 1

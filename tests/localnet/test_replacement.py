"""The DAO votes another market and ledger in; what people had stays theirs, and clients follow the directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sahara_lab
from sahara_lab import License
from sahara_lab.chain import Chain
from sahara_lab.chain.abi import abi_of, artifact, checksum, type_of
from sahara_lab.chain.deployment import created_address, send_signed
from sahara_lab.errors import ChainError
from sahara_lab.governance import Action
from sahara_lab.localnet import down, ensure_up
from sahara_lab.profile import HOME_VARIABLE, Profile
from sahara_lab.signing import LocalSigner
from sahara_lab.units import to_wei


@pytest.fixture
def alice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Alice on a network of this test's own, whose market may be replaced."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    ensure_up(Profile("local"), owner=os.getpid())
    yield sahara_lab.connect(account="alice")
    down(Profile("local"))


class Builder:
    """Somebody who deploys contracts and has no other part in this."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.key = LocalSigner.generate()
        chain.rpc("anvil_setBalance", self.key.address, hex(10**20))

    def next(self, later: int = 0) -> str:
        nonce = int(self.chain.rpc("eth_getTransactionCount", self.key.address, "latest"), 16)
        return created_address(self.key.address, nonce + later)

    def create(self, name: str, *arguments: Any) -> str:
        from eth_abi import encode

        code = bytes.fromhex(artifact(name)["bytecode"].removeprefix("0x"))
        code += encode([type_of(entry) for entry in abi_of(name).constructor], arguments)
        return checksum(send_signed(self.chain.rpc, self.key, code, chain_id=self.chain.chain_id)["contractAddress"])


def second_market(chain: Chain) -> tuple[str, str]:
    """A market and a ledger beside the first, over the same assets and terms."""
    at, builder = chain.addresses, Builder(chain)
    registry, terms, rules = at["AssetRegistry"], at["LicenseTerms"], at["ProtocolParameters"]
    ledger = builder.create("RoyaltyLedger", rules, registry, at["CollectionShares"])
    market = builder.next(2)
    licenses = builder.create("LicenseToken", registry, terms, market)
    refunds = builder.create("RefundEscrow", licenses, terms, ledger, rules, market)
    made = builder.create("Market", registry, terms, licenses, ledger, refunds, rules)
    assert made == market
    return market, ledger


def test_a_vote_brings_another_market_and_takes_nothing_from_anybody(alice: Any, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("x\n1\n")
    terms = License.commercial_remix(price="20", royalty="10%")
    alice.market.publish(tmp_path / "data", name="lasting", license=terms)
    bob = alice.use("bob")
    license = bob.market.license("alice/lasting", max_price="20")
    before = alice.wallet.balance().tokens
    market, ledger = second_market(alice.chain)

    proposal = alice.dao.propose(
        [Action("Directory", "set", (name.encode().ljust(32, b"\0"), address)) for name, address in
         (("Market", market), ("RoyaltyLedger", ledger))],
        "Open a second market",
    )  # fmt: skip
    alice.network.advance(2)
    bob.dao.vote(proposal.number, "for")
    alice.network.advance("6 minutes")
    assert alice.dao.queue(proposal.number).actions[0] == f"Market is the contract at {market} from then on"
    alice.network.advance(3)
    with pytest.raises(ChainError, match="the timelock opens"):
        alice.dao.execute(proposal.number)
    assert sahara_lab.connect(account="alice").chain.addresses["Market"] != market
    alice.network.advance(3)
    assert alice.dao.execute(proposal.number).state == "executed"

    alice = sahara_lab.connect(account="alice")
    assert (alice.chain.addresses["Market"], alice.chain.addresses["RoyaltyLedger"]) == (market, ledger)
    assert alice.market.earnings().claimable == to_wei("19.5")
    assert alice.market.claim() == to_wei("19.5")
    assert alice.wallet.balance().tokens == before + to_wei("19.5")
    assert alice.market.claim() == 0

    bob = alice.use("bob")
    assert [one.id for one in bob.market.licenses()] == [license.id]
    assert bob.vault.open("alice/lasting/a.csv").read() == b"x\n1\n"


def test_what_people_own_is_not_for_a_vote(alice: Any) -> None:
    for name in ("AssetRegistry", "LicenseToken", "SaharaToken"):
        proposal = alice.dao.propose_module(name, alice.chain.addresses["Market"])
        alice.network.advance(2)
        alice.dao.vote(proposal.number, "for")
        alice.network.advance("6 minutes")
        alice.dao.queue(proposal.number)
        alice.network.advance(10)
        with pytest.raises(ChainError, match="what people own stays where it is"):
            alice.dao.execute(proposal.number)

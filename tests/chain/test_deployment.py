"""What the deployment leaves behind: contracts that know each other, and nobody with special rights."""

from __future__ import annotations

from typing import Any

import pytest

from sahara_lab.chain.abi import checksum

ZERO = b"\0" * 32


def test_the_directory_names_every_contract(world: Any) -> None:
    directory = world.chain.contract("Directory")
    for name, address in world.chain.addresses.items():
        if name != "Directory":
            assert directory.call("get", name.encode().ljust(32, b"\0")) == address


@pytest.mark.parametrize(
    ("contract", "getter", "wanted"),
    [
        ("RoyaltyLedger", "REGISTRY", "AssetRegistry"),
        ("RoyaltyLedger", "PARAMETERS", "ProtocolParameters"),
        ("AssetRegistry", "LEDGER", "RoyaltyLedger"),
        ("AssetRegistry", "LICENSES", "LicenseToken"),
        ("LicenseToken", "REGISTRY", "AssetRegistry"),
        ("LicenseToken", "TERMS", "LicenseTerms"),
        ("LicenseToken", "MARKET", "Market"),
        ("Market", "REGISTRY", "AssetRegistry"),
        ("Market", "LEDGER", "RoyaltyLedger"),
        ("RoyaltyLedger", "COLLECTIONS", "CollectionShares"),
        ("CollectionShares", "LEDGER", "RoyaltyLedger"),
        ("Market", "REFUNDS", "RefundEscrow"),
        ("RefundEscrow", "MARKET", "Market"),
        ("RefundEscrow", "LEDGER", "RoyaltyLedger"),
        ("SaharaGovernor", "token", "SaharaToken"),
        ("SaharaGovernor", "timelock", "SaharaTimelock"),
        ("ProtocolParameters", "treasury", "SaharaTimelock"),
        ("ProtocolParameters", "authority", "SaharaAccess"),
        ("KeyServerRegistry", "authority", "SaharaAccess"),
        ("Directory", "authority", "SaharaAccess"),
        ("Staking", "TOKEN", "SaharaToken"),
        ("ComputeEscrow", "STAKING", "Staking"),
        ("ComputeEscrow", "ACCESS", "SaharaAccess"),
        ("ComputeEscrow", "PARAMETERS", "ProtocolParameters"),
        ("CallChannel", "LEDGER", "RoyaltyLedger"),
        ("CallChannel", "PARAMETERS", "ProtocolParameters"),
        ("Staking", "TREASURY", "SaharaTimelock"),
        ("Staking", "authority", "SaharaAccess"),
    ],
)
def test_contracts_are_wired_to_each_other(world: Any, contract: str, getter: str, wanted: str) -> None:
    assert world.chain.contract(contract).call(getter) == world.chain.addresses[wanted]


def test_only_the_dao_has_rights(world: Any) -> None:
    timelock, access = world.chain.contract("SaharaTimelock"), world.chain.contract("SaharaAccess")
    governor = world.chain.addresses["SaharaGovernor"]
    deployer = checksum(
        world.chain.rpc("eth_getBlockByNumber", hex(world.deployment.block), True)["transactions"][0]["from"]
    )
    for role in ("PROPOSER_ROLE", "EXECUTOR_ROLE", "CANCELLER_ROLE"):
        assert timelock.call("hasRole", timelock.call(role), governor)
        assert not timelock.call("hasRole", timelock.call(role), deployer)
    assert not timelock.call("hasRole", timelock.call("DEFAULT_ADMIN_ROLE"), deployer)
    assert access.call("hasRole", 0, timelock.address) == (True, 0)
    assert access.call("hasRole", 0, deployer)[0] is False
    assert world.token.call("balanceOf", deployer) == 0


def test_the_escrow_slashes_and_the_dao_judges(world: Any) -> None:
    access, slasher, evaluator = world.chain.contract("SaharaAccess"), 1, 2
    assert access.call("hasRole", slasher, world.chain.addresses["ComputeEscrow"]) == (True, 0)
    assert access.call("hasRole", evaluator, world.chain.addresses["SaharaTimelock"]) == (True, 0)
    assert {event.args["roleId"] for event in access.logs("RoleGranted", "earliest")} == {
        0, slasher, evaluator, *range(10, 16)
    }  # fmt: skip


def test_quorum_is_within_reach_of_the_accounts(world: Any) -> None:
    world.chain.rpc("evm_increaseTime", 2)
    world.chain.rpc("evm_mine")
    now = world.chain.block().timestamp
    quorum = world.chain.contract("SaharaGovernor").call("quorum", now - 1)
    votes = sum(world.token.call("getVotes", world.wallet(name).address) for name in ("alice", "bob", "carol"))
    assert 0 < quorum < votes / 2

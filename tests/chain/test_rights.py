"""Who may call what: ``contracts/rights.json`` against the ABI, the documentation, and the contracts on a chain.

A function that the file does not name, or names with a caller who is not the only one, fails here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sahara_lab.chain.abi import abi_of, artifact, artifact_names, type_of
from sahara_lab.chain.reasons import error_name
from sahara_lab.chain.rpc import RpcError
from sahara_lab.market.names import KINDS
from tools.rights import PAGE, PUBLIC, page, read

RIGHTS = read()
#: Who is refused depends on the state a job or a channel is in: contracts/test/ComputeEscrow.t.sol, CallChannel.t.sol.
PARTIES = ("job's", "channel's", "module that locked it")
STRANGER = "0x00000000000000000000000000000000DeaDBeef"
#: What a contract says to who has no right, in each of its dialects.
REFUSALS = {
    "AccessControlUnauthorizedAccount", "AccessManagedUnauthorized", "AccessManagerNotScheduled",
    "AccessManagerUnauthorizedAccount", "AccessManagerUnauthorizedCall", "ERC721InsufficientApproval",
    "ERC721InvalidApprover", "GovernorDisabledDeposit", "GovernorOnlyExecutor", "GovernorUnableToCancel",
    "NotAgentOwner", "NotAssetOwner", "NotLicenseHolder", "NotOwnerNorApproved", "NotPayee", "NotTeamOwner",
    "NotTheKeyServer", "NotTheValidator", "OnlyCollections", "OnlyLedger", "OnlyMarket", "OnlyRegistry",
    "TimelockUnauthorizedCaller",
}  # fmt: skip
REQUEST = b"\x07" * 32


def changing(contract: str) -> Iterator[dict[str, Any]]:
    """ABI entries of the functions that change state."""
    for entry in artifact(contract)["abi"]:
        if entry["type"] == "function" and entry["stateMutability"] in ("nonpayable", "payable"):
            yield entry


def caller_of(contract: str, function: str) -> str:
    return next(caller for caller, names in RIGHTS[contract].items() if function in names)


def private() -> Iterator[tuple[str, str, int, str]]:
    """Functions that are not everybody's: contract, name, number of arguments, caller."""
    for contract in RIGHTS:
        for entry in changing(contract):
            caller = caller_of(contract, entry["name"])
            if caller not in PUBLIC and not caller.startswith(PARTIES):
                yield contract, entry["name"], len(entry["inputs"]), caller


def test_every_function_that_changes_state_has_its_caller() -> None:
    assert sorted(RIGHTS) == artifact_names()
    for contract, callers in RIGHTS.items():
        named = [name for names in callers.values() for name in names]
        assert sorted(named) == sorted({entry["name"] for entry in changing(contract)}), contract


def test_the_documentation_shows_them() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text), "run: python tools/rights.py"


@pytest.fixture(scope="module")
def things(world: Any) -> dict[str, int]:
    """One of each thing that somebody else owns: an asset, a license, an agent, a request, a proposal."""
    alice, bob = world.sender("alice"), world.sender("bob")
    contract = world.chain.contract
    version = (bytes(32), bytes(32), bytes(32), 1, 0, "x")
    registered = alice.send(contract("AssetRegistry"), "register", "guarded", 0, version, [])
    asset = next(event.args["asset"] for event in registered.events if event.name == "AssetRegistered")
    terms = (world.token.address, 0, 0, 0, 0, 0, 127, True, False, False, False, "x", bytes(32))
    termed = alice.send(contract("LicenseTerms"), "register", terms)
    identity = contract("LicenseTerms").call("idOf", terms)
    assert termed.block_number
    alice.send(contract("Market"), "setOffer", asset, identity, True)
    bought = bob.send(contract("Market"), "buy", asset, identity, 0, world.wallet("bob").address)
    license = next(event.args["license"] for event in bought.events if event.name == "LicenseIssued")
    made = alice.send(contract("AgentRegistry"), "register")
    agent = next(event.args["agentId"] for event in made.events if event.name == "Registered")
    alice.send(contract("ValidationRegistry"), "validationRequest", world.wallet("bob").address, agent, "x", REQUEST)
    alice.send(contract("SaharaGovernor"), "propose", [STRANGER], [0], [b""], "guarded")
    gathered = alice.send(contract("AssetRegistry"), "register", "gathered", KINDS.index("collection"), version, [])
    collection = next(event.args["asset"] for event in gathered.events if event.name == "AssetRegistered")
    team = alice.send(contract("Teams"), "found", "guarded").events[-1].args["team"]
    return {
        "AssetRegistry": asset, "LicenseToken": license, "AgentRegistry": agent, "Market": asset, "Teams": team,
        "CollectionShares": collection, "RoyaltyLedger": asset,
    }  # fmt: skip


def arguments(world: Any, things: dict[str, int], contract: str, entry: dict[str, Any]) -> list[Any]:
    """Arguments that get as far as the question who is calling."""
    from eth_utils import keccak

    if (contract, entry["name"]) == ("SaharaGovernor", "cancel"):
        return [[STRANGER], [0], [b""], keccak(text="guarded")]
    if (contract, entry["name"]) == ("CollectionShares", "agree"):
        return [things["CollectionShares"], [things["AssetRegistry"]], True]
    if (contract, entry["name"]) == ("Market", "refund"):
        return [things["LicenseToken"]]
    if (contract, entry["name"]) == ("ValidationRegistry", "validationResponse"):
        return [REQUEST, 100, "x", bytes(32), "x"]
    if (contract, entry["name"]) == ("SaharaTimelock", "updateDelay"):
        return [world.chain.contract(contract).call("getMinDelay")]
    if entry["name"] in ("transferFrom", "safeTransferFrom"):
        owner = world.chain.contract(contract).call("ownerOf", things[contract])
        return [owner, STRANGER, things[contract], b""][: len(entry["inputs"])]
    if (contract, entry["name"]) == ("SaharaAccess", "schedule"):
        return [world.chain.addresses["Directory"], bytes(4), 0]
    return [dummy(type_of(one), things.get(contract, 1)) for one in entry["inputs"]]


def dummy(kind: str, thing: int) -> Any:
    if kind.endswith("[]"):
        return []
    if kind.startswith("("):
        return (bytes(32), bytes(32), bytes(32), 1, 0, "x")  # a version
    if kind == "bytes":
        return bytes(1216)
    if kind.startswith("bytes"):
        return bytes(int(kind[5:]))
    return {"address": STRANGER, "bool": True, "string": "x", "uint256": thing}.get(kind, 1)


def call_of(world: Any, things: dict[str, int], contract: str, name: str, count: int, caller: str) -> dict[str, Any]:
    entry = next(one for one in changing(contract) if one["name"] == name and len(one["inputs"]) == count)
    data = abi_of(contract).function(name, count).encode(*arguments(world, things, contract, entry))
    return {"from": caller, "to": world.chain.addresses[contract], "data": "0x" + data.hex()}


def refusal(world: Any, things: dict[str, int], caller: str, contract: str, name: str, count: int) -> str | None:
    """The error that ``caller`` gets for want of a right; None when that is not what stops them."""
    try:
        world.chain.rpc("eth_call", call_of(world, things, contract, name, count, caller), "latest")
    except RpcError as error:
        found = error_name(error.data)
        return found if found in REFUSALS else None
    return None


@pytest.mark.parametrize(("contract", "name", "count", "caller"), list(private()))
def test_a_stranger_is_refused(
    world: Any, things: dict[str, int], contract: str, name: str, count: int, caller: str
) -> None:
    if caller == "governed contract":
        with pytest.raises(RpcError):  # it asks its caller whether it is one, and an account does not answer
            world.chain.rpc("eth_call", call_of(world, things, contract, name, count, STRANGER), "latest")
        return
    assert refusal(world, things, STRANGER, contract, name, count) is not None


@pytest.mark.parametrize(("contract", "name", "count", "caller"), list(private()))
def test_the_timelock_may_what_is_the_daos_and_nothing_of_others(
    world: Any, things: dict[str, int], contract: str, name: str, count: int, caller: str
) -> None:
    if caller in ("governed contract", "holder of a class"):
        pytest.skip("no more than the holder could do without the detour")
    timelock = world.chain.addresses["SaharaTimelock"]
    found = refusal(world, things, timelock, contract, name, count)
    assert (found is None) == ("DAO" in caller), found

"""``lab.licensing.check`` on a real network: what the solver says is what contracts and publishing do."""

from __future__ import annotations

import itertools
import secrets
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sahara_lab import License
from sahara_lab.chain import RpcError
from sahara_lab.chain.reasons import error_name
from sahara_lab.errors import AccessDenied, InputError, LicenseConflict
from sahara_lab.licensing.limits import RELATIONS

pytestmark = pytest.mark.network

VERSION = (b"\1" * 32, b"\2" * 32, b"\3" * 32, 1, 0, "nowhere")
ENFORCED = {
    "LicenseDoesNotCover": "access",
    "TooManyParents": "parents",
    "TooManyPayees": "payees",
    "StackTooHigh": "stack",
}


def register(lab: Any, name: str, edges: list[tuple[int, int, int]] = []) -> int:  # noqa: B006 - never changed
    """An asset without files: the registry does not look at them."""
    receipt = lab.sender.send(lab.chain.contract("AssetRegistry"), "register", name, 0, VERSION, edges)
    return next(event.args["asset"] for event in receipt.events if event.name == "AssetRegistered")


def licensed(lab: Any, name: str, terms: License, holder: Any, edges: list[tuple[int, int, int]] = []) -> int:  # noqa: B006
    """An asset of ``lab`` that ``holder`` has a license of."""
    asset = register(lab, name, edges)
    lab.market.offer(f"{lab.account}/{name}", terms)
    lab.market.give(f"{lab.account}/{name}", holder.account)
    return asset


@pytest.fixture(scope="module")
def pool(alice: Any, bob: Any) -> list[str]:
    """Assets for Bob to derive from: others' under various terms, some with ancestors, and his own."""
    tag = secrets.token_hex(3)
    names = []
    remix = License.commercial_remix("0", "10%")
    roots = []
    for number, terms in enumerate([remix, License.open_use(), License.commercial("0"), remix.with_royalty("24%")]):
        roots.append(licensed(alice, f"root-{tag}-{number}", terms, bob))
        names.append(f"alice/root-{tag}-{number}")
    # Families of six, so that few of their children have more than sixteen payees between them.
    for family in range(3):
        for member in range(6):
            licensed(alice, f"member-{tag}-{family}-{member}", remix.with_royalty("2%"), bob)
        edges = sorted(_edge(alice, bob, f"alice/member-{tag}-{family}-{member}") for member in range(6))
        register(bob, f"family-{tag}-{family}", edges)
        names.append(f"bob/family-{tag}-{family}")
    register(alice, f"private-{tag}")
    names.append(f"alice/private-{tag}")
    return names


def _edge(owner: Any, holder: Any, name: str) -> tuple[int, int, int]:
    asset = owner.market.get(name).id
    return asset, holder.chain.contract("LicenseToken").call("licensesOf", holder.keys.address, asset)[-1], 2


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_the_solver_lets_pass_the_contracts_accept_and_nothing_else(data: Any, bob: Any, pool: list[str]) -> None:
    chosen = data.draw(st.lists(st.sampled_from(pool), unique=True, min_size=1), label="parents")
    pairs = [(name, data.draw(st.sampled_from(RELATIONS))) for name in chosen]
    check = bob.licensing.check(pairs)
    refusal = refused(bob, [(one.asset, one.license, RELATIONS.index(one.relation)) for one in check.sources])
    kinds = {conflict.kind for conflict in check.conflicts if conflict.enforced}
    if check.missing:
        kinds.add("access")
    assert (refusal is None) == (not kinds), (refusal, check.conflicts)
    assert refusal is None or ENFORCED[refusal] in kinds


def refused(lab: Any, edges: list[tuple[int, int, int]]) -> str | None:
    """The registry's error for an asset with these parents, asked on the real chain without sending anything."""
    registry = lab.chain.contract("AssetRegistry")
    data = registry.encode("register", f"try-{next(_numbers)}", 0, VERSION, edges)
    message = {"from": lab.keys.address, "to": registry.address, "data": "0x" + data.hex()}
    try:
        lab.chain.rpc("eth_call", message, "pending")
    except RpcError as error:
        return error_name(error.data)
    return None


_numbers = itertools.count()


def test_what_will_be_owed_is_what_the_ledger_freezes(bob: Any, pool: list[str], fresh: Any) -> None:
    check = bob.licensing.check([pool[0], pool[3], pool[4]])
    edges = [(one.asset, one.license, RELATIONS.index(one.relation)) for one in check.sources]
    asset = register(bob, fresh("mix"), edges)
    frozen = bob.chain.contract("RoyaltyLedger").call("tableOf", asset)
    payees, shares = frozen.values() if isinstance(frozen, dict) else frozen
    owed = {line.asset: line.parts for line in check.owed}
    assert owed == dict(zip(map(bob._names.of, payees), shares, strict=True))
    assert {line.account for line in check.owed} == {"alice"}


def test_sources_above_the_cap_are_named_before_anything_is_signed(
    alice: Any, bob: Any, table_folder: Any, fresh: Any
) -> None:
    names = []
    for royalty in ("30%", "5%", "24%"):
        names.append(f"alice/{fresh('dear')}")
        licensed(alice, names[-1].partition("/")[2], License.commercial_remix("0", royalty), bob)
    check = bob.licensing.check(names)
    assert check.smallest == tuple(sorted((names[0], names[2])))
    assert not check.ok
    sent = bob.chain.rpc("eth_getTransactionCount", bob.keys.address, "latest")
    with pytest.raises(LicenseConflict, match="54% of the revenue, and at most 50%"):
        bob.market.publish(table_folder, name=fresh("mix"), parents=names)
    assert bob.chain.rpc("eth_getTransactionCount", bob.keys.address, "latest") == sent
    assert bob.licensing.check(names[:2]).ok


def test_what_is_not_licensed_yet_is_counted_with_its_cheapest_fitting_offer(
    alice: Any, carol: Any, table_folder: Any, fresh: Any
) -> None:
    asset = alice.market.publish(
        table_folder, name=fresh("offered"), license=[License.commercial("1"), License.commercial_remix("7", "12%")]
    )
    check = carol.licensing.check(asset.name)
    assert [source.offer.price for source in check.missing] == [7 * 10**18]
    assert check.owed[0].share == "12%"
    assert not check.ok
    assert check.answer == f"once licensed: {asset.name}, for 7 SAHARA in all"
    with pytest.raises(AccessDenied, match="Commercial Remix"):
        carol.market.publish(table_folder, name=fresh("child"), parents=[asset.name])
    carol.market.license(asset.name, license="Commercial Remix", max_price="7")
    assert carol.licensing.check(asset.name).ok


def test_of_several_licenses_the_one_that_owes_least_is_used(alice: Any, bob: Any, fresh: Any) -> None:
    name = fresh("two")
    licensed(alice, name, License.commercial_remix("0", "20%"), bob)
    alice.market.give(
        f"alice/{name}", "bob", license=alice.market.offer(f"alice/{name}", License.commercial_remix("0", "5%"))
    )
    assert bob.licensing.check(f"alice/{name}").owed[0].share == "5%"


def test_terms_that_a_source_forbids_are_refused_at_publishing_and_later(
    alice: Any, bob: Any, table_folder: Any, fresh: Any
) -> None:
    research = fresh("research")
    licensed(alice, research, License.non_commercial_research(), bob)
    parents = [(f"alice/{research}", "trained_on")]
    with pytest.raises(LicenseConflict, match="commercial"):
        bob.market.publish(table_folder, name=fresh("child"), parents=parents, license=License.commercial("9"))
    child = bob.market.publish(
        table_folder, name=fresh("child"), parents=parents, license=License.non_commercial_research()
    )
    with pytest.raises(LicenseConflict, match="commercial"):
        bob.market.offer(child.name, License.commercial("9"))
    grandchild = bob.market.publish(table_folder, name=fresh("child"), parents=[child.name])
    with pytest.raises(LicenseConflict, match="commercial"):  # a detour through an asset of one's own changes nothing
        bob.market.offer(grandchild.name, License.commercial("9"))


def test_a_source_that_is_shared_alike_passes_its_terms_on(alice: Any, bob: Any, fresh: Any) -> None:
    name, terms = fresh("alike"), replace(License.commercial_remix("0", "5%"), reciprocal=True)
    licensed(alice, name, terms, bob)
    parent = f"alice/{name}"
    assert bob.licensing.check(parent, output=terms).ok
    assert not bob.licensing.check(parent, output=License.commercial("3")).ok
    allowed = {one.flavor: one.how for one in bob.licensing.check(parent).allowed}
    assert allowed["Commercial Remix"] == "yes, shared alike"
    assert allowed["Commercial"].startswith("no")


def test_parents_cannot_come_with_a_later_version(alice: Any, bob: Any, table_folder: Any, fresh: Any) -> None:
    late, name = fresh("late"), fresh("child")
    licensed(alice, late, License.open_use(), bob)
    bob.market.publish(table_folder, name=name)
    with pytest.raises(InputError, match=f"without the parent alice/{late}"):
        bob.market.publish(table_folder, name=name, parents=[f"alice/{late}"], update=True)


def test_a_check_is_read_as_text_and_as_a_picture(bob: Any, pool: list[str]) -> None:
    shown = bob.licensing.check([pool[0], pool[3]], output="Commercial")._repr_mimebundle_()
    assert "10 SAHARA of each 100" in shown["text/plain"]
    assert "License of the output" in shown["text/plain"]
    assert "you keep" in shown["text/html"]


@pytest.mark.parametrize("use", ["stolen_from", "", "trained on!"])
def test_an_unknown_relation_lists_those_that_there_are(bob: Any, pool: list[str], use: str) -> None:
    with pytest.raises(InputError, match="trained_on"):
        bob.licensing.check(pool[0], use=use)

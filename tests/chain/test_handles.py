"""Typed handles: what an editor completes and mypy checks is what the contracts have."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from sahara_lab.chain import handles
from sahara_lab.chain.abi import abi_of, artifact_names, checksum
from sahara_lab.chain.handle import read
from sahara_lab.chain.handles.asset_registry import AssetRegistered, AssetRegistry
from sahara_lab.chain.handles.sahara_token import SaharaToken, Transfer
from sahara_lab.chain.handles.structs import Version
from sahara_lab.errors import ChainError

SOMEBODY = checksum("0x" + "5a4a7b".zfill(40))


def version(name: str) -> Version:
    return Version(*[name.encode().ljust(32, b"\0")] * 3, epoch=1, published_at=0, uri=f"assets/{name}")


def test_a_change_is_a_call_for_the_sender_and_its_event_is_typed(world: Any) -> None:
    token = SaharaToken(world.chain)
    [receipt] = world.forgetful("alice").send_many([token.transfer(SOMEBODY, 3)])
    [event] = token.among(receipt.events, Transfer)
    assert (event.args.to, event.args.value) == (SOMEBODY, 3)
    assert event in token.logs(Transfer, receipt.block_number)


def test_views_are_read_alone_or_many_at_once(world: Any) -> None:
    token, alice = SaharaToken(world.chain), world.wallet("alice").address
    views = [token.balance_of(alice), token.symbol(), token.decimals()]
    assert read(world.chain, views) == [token.balance_of(alice).read(), "SAHARA", 18]


def test_structs_go_in_and_come_out_as_named_tuples(world: Any) -> None:
    registry = AssetRegistry(world.chain)
    given = version("typed")
    [receipt] = world.forgetful("alice").send_many([registry.register("typed", 0, given, [])])
    [made] = registry.among(receipt.events, AssetRegistered)
    kept = registry.version_of(made.args.asset, 1).read()
    assert isinstance(kept, Version)
    assert kept._replace(published_at=0) == given


def test_a_refused_view_says_why(world: Any) -> None:
    with pytest.raises(ChainError, match="has no version"):
        AssetRegistry(world.chain).version_of(10**9, 1).read()


@pytest.mark.parametrize("name", artifact_names())
def test_every_function_of_every_contract_has_its_method(name: str) -> None:
    made = getattr(handles, name)
    functions = sum(len(same) for same in abi_of(name).functions.values())
    own = [method for method in vars(made) if not method.startswith("_") and method != "CONTRACT"]
    assert len(own) == functions


def test_a_handle_loads_when_it_is_used() -> None:
    script = "import sys, sahara_lab.chain.handles as h; n = len(sys.modules); h.Market; print(len(sys.modules) > n)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "True\n"

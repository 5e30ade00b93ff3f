"""Every custom error of every contract, raised by a real node behind the proxy: read, sent, and said in one line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from eth_abi import encode

from sahara_lab.chain import Call, Chain, Contract, Sender
from sahara_lab.chain.abi import abi_of, artifact, artifact_names, checksum, type_of
from sahara_lab.chain.reasons import explain_error
from sahara_lab.errors import SaharaError
from tests.chain.proxy import Proxy

pytestmark = pytest.mark.network
SOMEBODY = "0x00000000000000000000000000000000005a4a7a"


def test_each_error_is_one_line_and_nothing_is_sent(world: Any, me: str, proxy: Proxy) -> None:
    chain = Chain(proxy.url, world.chain.chain_id, world.chain.addresses)
    errors = [(name, error) for name in artifact_names() for error in abi_of(name).errors.values()]
    assert len(errors) > 200
    calls, said = [], []
    for number, (name, error) in enumerate(errors):
        data = error.selector + encode([type_of(entry) for entry in error.inputs], _samples(error.inputs))
        contract = Contract(chain, name, checksum(f"0x{0xDEAD << 144 | number:040x}"))
        _refuse(world, contract.address, data)
        with pytest.raises(SaharaError) as refused:
            contract.call(*_function(name, "view"))
        assert refused.value.message == explain_error(data)
        assert error.selector.hex() not in refused.value.message, f"{error.name} is not known"
        function, *given = _function(name, "nonpayable")
        calls.append(Call(contract, function, tuple(given)))
        said.append(refused.value.message.removeprefix("the contract refused: "))
    ends = Sender(chain, world.wallet(me), world.journal(me)).send_many(calls)
    for (_, error), end, words in zip(errors, ends, said, strict=True):
        assert isinstance(end, SaharaError), error.name
        assert words in end.message
        assert len(str(end).splitlines()) == 1
    assert proxy.count("eth_sendRawTransaction") == 0
    assert world.nonce(me) == 0


def _refuse(world: Any, address: str, data: bytes) -> None:
    """Put code at an address that reverts with some bytes whatever it is asked."""
    # PUSH2 size, PUSH1 offset, PUSH0, CODECOPY, PUSH2 size, PUSH0, REVERT; then what it reverts with.
    size = len(data).to_bytes(2, "big")
    code = b"\x61" + size + b"\x60\x0c\x5f\x39\x61" + size + b"\x5f\xfd"
    world.node.rpc("anvil_setCode", address, "0x" + (code + data).hex())


def _function(name: str, mutability: str) -> tuple[Any, ...]:
    """The first function of a contract of one kind, and arguments that fit."""
    return next(
        (entry["name"], *_samples(entry["inputs"]))
        for entry in artifact(name)["abi"]
        if entry["type"] == "function" and entry["stateMutability"] == mutability
    )


def _samples(entries: Iterable[dict[str, Any]]) -> list[Any]:
    return [_sample(entry) for entry in entries]


def _sample(entry: dict[str, Any]) -> Any:
    kind = entry["type"]
    if kind.endswith("[]"):
        return []
    if kind == "tuple":
        return tuple(_samples(entry["components"]))
    if kind.startswith("bytes"):
        return b"\1" * int(kind.removeprefix("bytes") or 3)
    return {"address": SOMEBODY, "string": "some text", "bool": True}.get(kind, 3)

"""A chain and its contracts: typed calls, batches of calls, logs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from sahara_lab.chain.abi import Abi, abi_of
from sahara_lab.chain.reasons import error_name, explain_error
from sahara_lab.chain.rpc import Rpc, RpcError, result
from sahara_lab.errors import ChainError, FundsError, NetworkError, SaharaError

BlockTag = str | int

_FUNDS = {"ERC20InsufficientBalance", "ERC20InsufficientAllowance"}


@dataclass(frozen=True)
class Block:
    """A block's header; ``timestamp`` in seconds, ``bloom`` the 2048-bit filter of its logs."""

    number: int
    hash: str
    parent_hash: str
    timestamp: int
    bloom: int = 0

    @classmethod
    def of(cls, found: dict[str, Any]) -> Block:
        """The header in a node's answer."""
        return cls(
            number=int(found["number"], 16) if found.get("number") else -1,
            hash=found.get("hash") or "",
            parent_hash=found["parentHash"],
            timestamp=int(found["timestamp"], 16),
            bloom=int(found.get("logsBloom") or "0x0", 16),
        )


class Event(NamedTuple):
    """A decoded log. A tuple, because they come by the hundred thousand."""

    contract: str
    name: str
    args: dict[str, Any]
    block_number: int
    block_hash: str
    tx_hash: str
    log_index: int


class Chain:
    """A network's chain, seen through our contracts.

    Args:
        addresses: contract name to checksummed address.
    """

    def __init__(self, rpc_url: str, chain_id: int, addresses: dict[str, str]) -> None:
        self.rpc = Rpc(rpc_url)
        self.chain_id = chain_id
        self.addresses = addresses
        self._contracts: dict[str, Contract] = {}

    def contract(self, name: str) -> Contract:
        """The contract of that name.

        Raises:
            NetworkError: the network's description does not list it.
        """
        if name not in self._contracts:
            if name not in self.addresses:
                raise NetworkError(f"this network has no contract {name}", hint="Run: sahara-lab doctor")
            self._contracts[name] = Contract(self, name, self.addresses[name])
        return self._contracts[name]

    def block(self, tag: BlockTag = "latest") -> Block:
        """A block's header by number or tag."""
        found = self.rpc("eth_getBlockByNumber", _tag(tag), False)
        if found is None:
            raise ChainError(f"the chain has no block {tag}")
        return Block.of(found)

    def blocks(self, numbers: Sequence[int]) -> list[Block | None]:
        """Headers by number in few requests; None where the node has no such block."""
        found = self.rpc.batch([("eth_getBlockByNumber", [hex(number), False]) for number in numbers])
        return [Block.of(one) if one else None for one in found]

    def batch_call(self, calls: Sequence[tuple[Contract, str, Sequence[Any]]], block: BlockTag = "latest") -> list[Any]:
        """Many calls in one request; results in order.

        Raises:
            ChainError: one of them reverts.
        """
        answers = self._asked(calls, block)
        try:
            return [decode(result(answer)) for decode, answer in answers]
        except RpcError as error:
            raise refused(error) from error

    def batch_try(self, calls: Sequence[tuple[Contract, str, Sequence[Any]]], block: BlockTag = "latest") -> list[Any]:
        """Like :meth:`batch_call`, with None where a call reverts."""
        return [None if "error" in answer else decode(result(answer)) for decode, answer in self._asked(calls, block)]

    def _asked(
        self, calls: Sequence[tuple[Contract, str, Sequence[Any]]], block: BlockTag
    ) -> list[tuple[Callable[[str | None], Any], dict[str, Any]]]:
        """How to decode the answer to each call, and the answer as it came."""
        functions = [contract.abi.function(name, len(args)) for contract, name, args in calls]
        asked = [
            ("eth_call", [{"to": contract.address, "data": "0x" + function.encode(*args).hex()}, _tag(block)])
            for (contract, _, args), function in zip(calls, functions, strict=True)
        ]
        decoders = [lambda answer, entry=function: entry.decode(_bytes(answer)) for function in functions]
        return list(zip(decoders, self.rpc.batch_raw(asked), strict=True))

    def ask(self, calls: Sequence[tuple[str, bytes]], block: BlockTag = "latest") -> list[bytes]:
        """The answers to many calls of (address, data), in one request.

        Raises:
            ChainError: one of them reverts.
        """
        asked = [("eth_call", [{"to": to, "data": "0x" + data.hex()}, _tag(block)]) for to, data in calls]
        try:
            return [_bytes(answer) for answer in self.rpc.batch(asked)]
        except RpcError as error:
            raise refused(error) from error

    def check(self) -> None:
        """See that the node is the network it should be.

        Raises:
            NetworkError: another chain, or contracts that are not there.
        """
        found = int(self.rpc("eth_chainId"), 16)
        if found != self.chain_id:
            raise NetworkError(f"the node serves chain {found}, not {self.chain_id}", hint="Run: sahara-lab doctor")
        codes = self.rpc.batch([("eth_getCode", [address, "latest"]) for address in self.addresses.values()])
        missing = [name for name, code in zip(self.addresses, codes, strict=True) if code in ("0x", None)]
        if missing:
            raise NetworkError(f"the chain has no contract {missing[0]}", hint="Run: sahara-lab doctor")


class Contract:
    """One deployed contract."""

    def __init__(self, chain: Chain, name: str, address: str) -> None:
        self._chain = chain
        self.name = name
        self.address = address

    @cached_property
    def abi(self) -> Abi:
        return abi_of(self.name)

    def call(self, function: str, *args: Any, block: BlockTag = "latest", sender: str | None = None) -> Any:
        """Read: one value as it is, several as a tuple, structs as dicts.

        Raises:
            ChainError: the contract refuses; the message has its reason in words.
        """
        entry = self.abi.function(function, len(args))
        return entry.decode(self.ask(entry.encode(*args), block, sender))

    def ask(self, data: bytes, block: BlockTag = "latest", sender: str | None = None) -> bytes:
        """The answer to a call's bytes, as bytes.

        Raises:
            ChainError: the contract refuses; the message has its reason in words.
        """
        message = {"to": self.address, "data": "0x" + data.hex()}
        if sender:
            message["from"] = sender
        try:
            return _bytes(self._chain.rpc("eth_call", message, _tag(block)))
        except RpcError as error:
            raise refused(error) from error

    def encode(self, function: str, *args: Any) -> bytes:
        """The calldata of a call."""
        return self.abi.function(function, len(args)).encode(*args)

    def logs(self, event: str | None, from_block: BlockTag, to_block: BlockTag = "latest") -> list[Event]:
        """Events of this contract, oldest first; of one type when ``event`` is given."""
        query: dict[str, Any] = {"address": self.address, "fromBlock": _tag(from_block), "toBlock": _tag(to_block)}
        if event is not None:
            query["topics"] = [self.abi.events[event].topic]
        found = self._chain.rpc("eth_getLogs", query)
        return [decoded for log in found if (decoded := decode_log({self.address.lower(): self}, log))]

    def __repr__(self) -> str:
        return f"<{self.name} at {self.address}>"


def decode_log(contracts: dict[str, Contract], log: dict[str, Any]) -> Event | None:
    """A raw log as an event; None when it is not one of ``contracts`` (by lower-case address)."""
    contract = contracts.get(log["address"].lower())
    kind = contract.abi.event_of(log["topics"][0]) if contract and log["topics"] else None
    if contract is None or kind is None:
        return None
    return Event(
        contract=contract.name,
        name=kind.name,
        args=kind.decode(log["topics"], _bytes(log["data"])),
        block_number=int(log["blockNumber"], 16),
        block_hash=log["blockHash"],
        tx_hash=log["transactionHash"],
        log_index=int(log["logIndex"], 16),
    )


def refused(error: RpcError) -> SaharaError:
    """A node's error as ours, with the contract's reason in words."""
    if not error.data and "revert" not in error.message.lower():
        if "insufficient funds" in error.message.lower():
            return FundsError("the account cannot pay for gas", hint="Ask for a transfer of gas money")
        return error
    kind = FundsError if error_name(error.data) in _FUNDS else ChainError
    return kind(explain_error(error.data))


def _tag(block: BlockTag) -> str:
    return hex(block) if isinstance(block, int) else block


def _bytes(text: str | None) -> bytes:
    return bytes.fromhex(text[2:]) if text else b""

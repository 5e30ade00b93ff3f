"""The contract ABI: selectors, arguments, results and events, by the artifacts that ship with the package."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from typing import Any

from sahara_lab.errors import ChainError

_Reader = Callable[[list[str], bytes], Any]  # of a log's topics and data
_Rest = Callable[[dict[str, Any], bytes], dict[str, Any]]


@cache
def artifact(name: str) -> dict[str, Any]:
    """The committed artifact of a contract: ``abi`` and ``bytecode``."""
    found: dict[str, Any] = json.loads(files("sahara_lab.chain").joinpath(f"artifacts/{name}.json").read_text())
    return found


def artifact_names() -> list[str]:
    """Contracts that ship with the package."""
    folder = files("sahara_lab.chain").joinpath("artifacts")
    return sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json"))


@lru_cache(maxsize=65_536)
def checksum(address: str) -> str:
    """ERC-55 form of a 20-byte address in hex."""
    from eth_utils import to_checksum_address

    return str(to_checksum_address(address))


def type_of(entry: dict[str, Any]) -> str:
    """The canonical type of a parameter, tuples written out."""
    kind = str(entry["type"])
    if kind.startswith("tuple"):
        inner = ",".join(type_of(part) for part in entry["components"])
        return f"({inner}){kind[len('tuple') :]}"
    return kind


def shape(entry: dict[str, Any], value: Any, structs: Mapping[str, type[Any]] | None = None) -> Any:
    """A decoded value as people use it: arrays as lists, addresses with checksum.

    Args:
        structs: classes for structs, by the name that the ABI gives them; without, structs are dicts by field name.
    """
    kind = str(entry["type"])
    if kind.endswith("]"):
        inner = {**entry, "type": kind[: kind.rindex("[")]}
        return [shape(inner, item, structs) for item in value]
    if kind == "tuple":
        parts = value.values() if isinstance(value, dict) else value
        fields = {
            part["name"]: shape(part, item, structs) for part, item in zip(entry["components"], parts, strict=True)
        }
        return fields if structs is None else structs[_struct_name(entry)](*fields.values())
    return checksum(value) if kind == "address" else value


def _struct_name(entry: dict[str, Any]) -> str:
    return str(entry["internalType"]).removeprefix("struct ").partition("[")[0]


@dataclass(frozen=True)
class Function:
    """One function or constructor of a contract."""

    name: str
    selector: bytes
    inputs: tuple[dict[str, Any], ...]
    outputs: tuple[dict[str, Any], ...]

    def encode(self, *args: Any) -> bytes:
        """Selector and arguments.

        Raises:
            ChainError: the arguments do not fit the function.
        """
        from eth_abi import encode

        try:
            return self.selector + encode([type_of(entry) for entry in self.inputs], args)
        except Exception as error:
            raise ChainError(f"{self.name} does not take these arguments ({error})") from error

    def decode(self, data: bytes) -> Any:
        """The result: one value as it is, several as a tuple."""
        if not self.outputs:
            return None
        shaped = tuple(shape(entry, value) for entry, value in zip(self.outputs, self.values(data), strict=True))
        return shaped[0] if len(shaped) == 1 else shaped

    def values(self, data: bytes) -> tuple[Any, ...]:
        """The results as the ABI coder gives them.

        Raises:
            ChainError: there is no answer, or it is not one of this function.
        """
        from eth_abi import decode
        from eth_abi.exceptions import DecodingError

        if not data:
            raise ChainError(f"{self.name} got no answer: the contract is not there", hint="Run: sahara-lab doctor")
        try:
            return tuple(decode([type_of(entry) for entry in self.outputs], data))
        except (DecodingError, OverflowError) as error:
            raise ChainError(
                f"{self.name} got an answer that cannot be read", hint="Another contract is there: sahara-lab doctor"
            ) from error


@dataclass(frozen=True)
class EventType:
    """One event of a contract."""

    name: str
    topic: str
    inputs: tuple[dict[str, Any], ...]

    def decode(self, topics: list[str], data: bytes) -> dict[str, Any]:
        """Arguments by name; an indexed argument of dynamic type is its hash.

        Raises:
            ChainError: the log is too short for the event.
        """
        words, whole, least = self._readers
        try:
            if len(data) < least:
                raise ValueError("the data ends too early")
            decoded = {name: read(topics, data) for name, read in words}
        except (IndexError, ValueError) as error:
            raise ChainError(f"a log of {self.name} is malformed") from error
        return decoded if whole is None else whole(decoded, data)

    @cached_property
    def _readers(self) -> tuple[list[tuple[str, _Reader]], _Rest | None, int]:
        """How to read each argument, found out once; and the fewest bytes of data that the event can have.

        A general decoder is many times slower than a slice.
        """
        plain = [entry for entry in self.inputs if not entry["indexed"]]
        simple = all(_is_word(entry) or entry["type"] in ("string", "bytes") for entry in plain)
        readers: list[tuple[str, _Reader]] = []
        topic = place = 0
        for entry in self.inputs:
            if entry["indexed"]:
                topic += 1
                readers.append((entry["name"], _topic_reader(entry, topic)))
            elif simple:
                readers.append((entry["name"], _data_reader(entry, 32 * place)))
                place += 1
        return readers, None if simple else self._general(plain), 32 * len(plain)

    def _general(self, plain: list[dict[str, Any]]) -> _Rest:
        """The rare event with structs or arrays."""
        from eth_abi import decode

        kinds = [type_of(entry) for entry in plain]

        def read(decoded: dict[str, Any], data: bytes) -> dict[str, Any]:
            values = zip(plain, decode(kinds, data), strict=True)
            decoded |= {entry["name"]: shape(entry, value) for entry, value in values}
            return {entry["name"]: decoded[entry["name"]] for entry in self.inputs}

        return read


def _is_word(entry: dict[str, Any]) -> bool:
    kind = entry["type"]
    return not (kind in ("string", "bytes") or kind.endswith("]") or "components" in entry)


def _word_reader(kind: str) -> Callable[[bytes], Any]:
    """Reads one 32-byte word (Contract ABI specification, "Formal specification of the encoding")."""
    if kind == "address":
        return lambda word: checksum("0x" + word[12:].hex())
    if kind == "bool":
        return lambda word: word[31] != 0
    if kind.startswith("bytes"):
        size = int(kind[5:])
        return lambda word: word[:size]
    signed = kind.startswith("int")
    return lambda word: int.from_bytes(word, "big", signed=signed)


def _topic_reader(entry: dict[str, Any], index: int) -> _Reader:
    if not _is_word(entry):
        return lambda topics, data: bytes.fromhex(topics[index][2:])
    if entry["type"].startswith("uint"):
        return lambda topics, data: int(topics[index], 16)
    if entry["type"] == "address":
        return lambda topics, data: checksum("0x" + topics[index][26:])
    read = _word_reader(entry["type"])
    return lambda topics, data: read(bytes.fromhex(topics[index][2:]))


def _data_reader(entry: dict[str, Any], place: int) -> _Reader:
    if _is_word(entry):
        if entry["type"].startswith("uint"):
            return lambda topics, data: int.from_bytes(data[place : place + 32], "big")
        read = _word_reader(entry["type"])
        return lambda topics, data: read(data[place : place + 32])
    text = entry["type"] == "string"

    def tail(topics: list[str], data: bytes) -> Any:
        start = int.from_bytes(data[place : place + 32], "big") + 32
        content = _cut(data, start, int.from_bytes(data[start - 32 : start], "big"))
        return content.decode(errors="replace") if text else content  # anyone may write anything

    return tail


def _cut(data: bytes, start: int, length: int) -> bytes:
    part = data[start : start + length]
    if len(part) != length:
        raise ValueError("the data ends too early")
    return part


@dataclass(frozen=True)
class ErrorType:
    """One custom error of a contract."""

    name: str
    selector: bytes
    inputs: tuple[dict[str, Any], ...]

    def decode(self, data: bytes) -> dict[str, Any]:
        from eth_abi import decode

        values = decode([type_of(entry) for entry in self.inputs], data[4:])
        return {
            entry["name"] or str(position): shape(entry, value)
            for position, (entry, value) in enumerate(zip(self.inputs, values, strict=True))
        }


@dataclass(frozen=True)
class Abi:
    """Everything that can be called, emitted or thrown by one contract."""

    functions: dict[str, list[Function]]
    events: dict[str, EventType]
    errors: dict[bytes, ErrorType]
    constructor: tuple[dict[str, Any], ...]

    def function(self, name: str, count: int) -> Function:
        """The function of that name that takes ``count`` arguments."""
        for candidate in self.functions.get(name, ()):
            if len(candidate.inputs) == count:
                return candidate
        raise ChainError(f"the contract has no function {name} with {count} arguments")

    def by_signature(self, signature: str) -> Function:
        """The function of a canonical signature, such as ``ownerOf(uint256)``."""
        return self._by_signature[signature]

    @cached_property
    def _by_signature(self) -> dict[str, Function]:
        return {
            f"{name}({','.join(type_of(entry) for entry in function.inputs)})": function
            for name, functions in self.functions.items()
            for function in functions
        }

    def event_of(self, topic: str) -> EventType | None:
        return self._by_topic.get(topic)

    @cached_property
    def _by_topic(self) -> dict[str, EventType]:
        return {event.topic: event for event in self.events.values()}


@cache
def abi_of(name: str) -> Abi:
    """The parsed ABI of a contract that ships with the package."""
    from eth_utils import keccak

    functions: dict[str, list[Function]] = {}
    events: dict[str, EventType] = {}
    errors: dict[bytes, ErrorType] = {}
    constructor: tuple[dict[str, Any], ...] = ()
    for entry in artifact(name)["abi"]:
        inputs = tuple(entry.get("inputs", ()))
        if entry["type"] == "constructor":
            constructor = inputs
        if entry["type"] not in ("function", "event", "error"):
            continue
        digest = keccak(text=f"{entry['name']}({','.join(type_of(part) for part in inputs)})")
        if entry["type"] == "function":
            made = Function(entry["name"], digest[:4], inputs, tuple(entry.get("outputs", ())))
            functions.setdefault(entry["name"], []).append(made)
        elif entry["type"] == "event":
            events[entry["name"]] = EventType(entry["name"], "0x" + digest.hex(), inputs)
        else:
            errors[digest[:4]] = ErrorType(entry["name"], digest[:4], inputs)
    return Abi(functions, events, errors, constructor)

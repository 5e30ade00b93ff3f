"""What the typed handles of :mod:`sahara_lab.chain.handles` are made of: views, calls for a sender, and typed events.

registry = AssetRegistry(chain)
registry.asset_of(alice, "digits").read()                  # a view, read at once
read(chain, [registry.owner_of(1), registry.owner_of(2)])  # many views in one request
sender.send_many([registry.publish_version(1, version)])   # changes
registry.logs(AssetRegistered, from_block)[0].args.name    # an event
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from sahara_lab.chain.abi import Function, shape
from sahara_lab.chain.client import BlockTag, Chain, Contract, Event

T_co = TypeVar("T_co", covariant=True)
E = TypeVar("E", bound=tuple[Any, ...])


class Logged(NamedTuple, Generic[E]):
    """A log with its arguments as a named tuple."""

    args: E
    block_number: int
    block_hash: str
    tx_hash: str
    log_index: int


class Handle:
    """One contract. Subclasses are generated; their methods make calls and do not ask the chain."""

    CONTRACT: ClassVar[str]

    def __init__(self, chain: Chain, address: str | None = None) -> None:
        self.chain = chain
        self.contract = chain.contract(self.CONTRACT) if address is None else Contract(chain, self.CONTRACT, address)

    @property
    def address(self) -> str:
        """Where the contract is, checksummed."""
        return self.contract.address

    def logs(self, kind: type[E], from_block: BlockTag, to_block: BlockTag = "latest") -> list[Logged[E]]:
        """Events of one type, oldest first."""
        return self.among(self.contract.logs(kind.__name__, from_block, to_block), kind)

    def among(self, events: Iterable[Event], kind: type[E]) -> list[Logged[E]]:
        """Those of this contract and of one type among ``events``, such as a receipt's."""
        entries = self.contract.abi.events[kind.__name__].inputs
        plain = not any("components" in entry for entry in entries)

        def typed(args: dict[str, Any]) -> E:
            values = args.values()
            return kind(*(values if plain else map(_typed, entries, values)))

        return [
            Logged(typed(event.args), *event[3:])
            for event in events
            if event.name == kind.__name__ and event.contract == self.CONTRACT
        ]

    def __repr__(self) -> str:
        return repr(self.contract)


class View(Generic[T_co]):
    """A call that changes nothing and gives a value, not made yet.

    Args:
        signature: the function's canonical signature.
        result: the named tuple of a function that gives several values.
    """

    def __init__(self, handle: Handle, signature: str, *args: Any, result: type[Any] | None = None) -> None:
        self.contract = handle.contract
        self.args = args
        self._signature = signature
        self._result = result

    @cached_property
    def function(self) -> Function:
        """What the ABI says about the function."""
        return self.contract.abi.by_signature(self._signature)

    @cached_property
    def data(self) -> bytes:
        """Selector and arguments.

        Raises:
            ChainError: the arguments do not fit.
        """
        return self.function.encode(*self.args)

    def read(self, block: BlockTag = "latest", sender: str | None = None) -> T_co:
        """Ask the chain: for the state after ``block`` ("finalized" cannot be undone), as ``sender`` sees it.

        Raises:
            ChainError: the contract refuses; the message has its reason in words.
        """
        return self.decode(self.contract.ask(self.data, block, sender))

    def decode(self, answer: bytes) -> T_co:
        """The value in the bytes of an answer."""
        values = [_typed(*one) for one in zip(self.function.outputs, self.function.values(answer), strict=True)]
        found: T_co = values[0] if self._result is None else self._result(*values)
        return found

    def __repr__(self) -> str:
        return f"<{self.contract.name}.{self.function.name}{self.args}>"


def read(chain: Chain, views: Sequence[View[Any]], block: BlockTag = "latest") -> list[Any]:
    """What many views give, asked in one request and all of the same ``block``.

    Raises:
        ChainError: one of them is refused.
    """
    answers = chain.ask([(view.contract.address, view.data) for view in views], block)
    return [view.decode(answer) for view, answer in zip(views, answers, strict=True)]


def _typed(entry: dict[str, Any], value: Any) -> Any:
    """A decoded value with its structs as named tuples."""
    from sahara_lab.chain.handles.structs import STRUCTS

    return shape(entry, value, STRUCTS)

"""Asking an owner for a license, and what owners answer. All of it is on chain, so that both sides see the same."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

from sahara_lab.chain import Chain, Receipt, Sender
from sahara_lab.display import Rows
from sahara_lab.errors import InputError, NotFound
from sahara_lab.licensing.terms import License

MAX_NOTE_BYTES = 512


@dataclass(frozen=True)
class Request:
    """A license that somebody asked for. ``number`` counts all requests of the network; ``note`` is the asker's word.

    ``status`` is "open", "granted" or "declined".
    """

    number: int
    asset: str
    asset_id: int
    account: str
    address: str
    terms: License
    note: str
    status: str

    def __str__(self) -> str:
        return f"request {self.number}: {self.account} asks for {self.asset} ({self.terms.summary}), {self.status}"


class RequestList(Rows):
    """Requests, newest first."""

    headers = ("#", "Asset", "Who asks", "Terms", "Note", "Status")
    title = "Requests"

    def cells(self, value: Request) -> tuple[object, ...]:
        return (value.number, value.asset, value.account, value.terms.summary, value.note, value.status)


class Requests:
    """Requests as the chain records them, and the account's own.

    Args:
        name_of: an asset's name by its id; ``handle`` an account's by its address; ``terms_of`` terms by their id.
    """

    def __init__(
        self,
        chain: Chain,
        sender: Sender,
        from_block: int,
        name_of: Callable[[int], str],
        handle: Callable[[str], str],
        terms_of: Callable[[bytes], License],
    ) -> None:
        self._chain = chain
        self._sender = sender
        self._from_block = from_block
        self._name_of = name_of
        self._handle = handle
        self._terms_of = terms_of
        self._market = chain.contract("Market")

    def send(self, asset: int, terms_id: bytes, note: str) -> Receipt:
        """Ask for a license under registered terms.

        Raises:
            InputError: the note is longer than 512 bytes.
        """
        if (size := len(note.encode())) > MAX_NOTE_BYTES:
            raise InputError(f"the note is {size} bytes long; {MAX_NOTE_BYTES} are allowed")
        return self._sender.send(self._market, "request", asset, terms_id, note)

    def of(self, assets: Container[int]) -> RequestList:
        """Open requests for ``assets``."""
        return self._listed(lambda args, status: args["asset"] in assets and status == "open")

    def sent_by(self, address: str) -> RequestList:
        """Everything that an account asked for, and what became of it."""
        return self._listed(lambda args, status: args["account"] == address)

    def find(self, number: int) -> Request:
        """A request by its number.

        Raises:
            NotFound: there is none.
        """
        events = self._market.logs("LicenseRequested", self._from_block, "latest")
        if not 1 <= number <= len(events):
            raise NotFound(f"there is no request {number}", hint="List them: %sahara requests")
        found: Request = self._listed(lambda args, status: True, only=number)[0]
        return found

    def grant(self, request: Request) -> Receipt:
        """Issue the license that was asked for, without payment."""
        terms_id = request.terms.terms_id
        intent = f"grant request {request.number}"
        return self._sender.send(self._market, "grant", request.asset_id, terms_id, request.address, intent=intent)

    def decline(self, request: Request) -> Receipt:
        """Say no, so that who asked knows."""
        return self._sender.send(self._market, "decline", request.asset_id, request.terms.terms_id, request.address)

    def _listed(self, wanted: Callable[[dict[str, Any], str], bool], only: int | None = None) -> RequestList:
        found = []
        answers = self._answers()
        latest: set[tuple[Any, ...]] = set()
        events = list(enumerate(self._market.logs("LicenseRequested", self._from_block, "latest"), 1))
        for number, event in reversed(events):
            args = event.args
            key = (args["asset"], args["account"], bytes(args["termsId"]))
            place = (event.block_number, event.log_index)
            later = [status for at, status in answers.get(key, ()) if at > place]
            status = later[0] if later else "open"
            repeated = status == "open" and key in latest  # asking again replaces what was asked before
            latest.add(key)
            if (only is None and repeated) or (only is not None and number != only) or not wanted(args, status):
                continue
            found.append(
                Request(
                    number=number,
                    asset=self._name_of(args["asset"]),
                    asset_id=args["asset"],
                    account=self._handle(args["account"]),
                    address=args["account"],
                    terms=self._terms_of(bytes(args["termsId"])),
                    note=_printable(args["note"]),
                    status=status,
                )
            )
        return RequestList(found)

    def _answers(self) -> dict[tuple[Any, ...], list[tuple[tuple[int, int], str]]]:
        """What owners said, in order, per asset, account and terms."""
        answers: dict[tuple[Any, ...], list[tuple[tuple[int, int], str]]] = {}
        for name, who, status in (
            ("LicenseGranted", "holder", "granted"),
            ("RequestDeclined", "account", "declined"),
        ):
            for event in self._market.logs(name, self._from_block, "latest"):
                key = (event.args["asset"], event.args[who], bytes(event.args["termsId"]))
                answers.setdefault(key, []).append(((event.block_number, event.log_index), status))
        return {key: sorted(said) for key, said in answers.items()}


def _printable(note: str) -> str:
    """A stranger's note on one line, without control characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in note).split())

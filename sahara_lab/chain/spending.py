"""What one session may move without asking again: counted where signatures are made, before each is made.

Tokens leave an account by a transfer, or by an allowance or authorization that it signed. So these are what is counted;
what a contract later takes by an allowance was counted when it was given.
"""

from __future__ import annotations

import threading
from typing import Any

from sahara_lab.errors import LimitError
from sahara_lab.units import Wei, format_tokens, to_wei

#: Selectors of the ERC-20 functions that move or allow tokens, with the argument that says how many.
_AMOUNTS = {"a9059cbb": 1, "095ea7b3": 1, "23b872dd": 2}
#: Typed messages that let others take tokens (ERC-2612, ERC-3009), and those of ours that move nothing.
_SPENDS = frozenset({"Permit", "TransferWithAuthorization", "ReceiveWithAuthorization"})
#: Vouchers divide what was deposited, and was counted then.
_HARMLESS = frozenset({"Delegation", "Grant", "UsageVoucher", "CallVoucher", "RunManifest"})

_sessions: dict[str, Spending] = {}


class Spending:
    """The limit of one account in this process; there is none by default.

    Tokens count once per nonce, so that a transaction that replaces another does not count twice.
    """

    def __init__(self) -> None:
        self._limit: Wei | None = None
        self._moved: dict[tuple[object, ...], int] = {}
        self._lock = threading.Lock()

    @staticmethod
    def of(address: str) -> Spending:
        """The one that every wallet of an account shares."""
        return _sessions.setdefault(address.lower(), Spending())

    def allow(self, amount: str | int | None, already: int = 0) -> None:
        """Set the limit in whole tokens, counted from now on; None takes it away.

        Args:
            already: wei that others may take by what was signed before.

        Raises:
            LimitError: that alone is more than the limit, which stays as it was.
        """
        limit = None if amount is None else to_wei(amount)
        if limit is not None and already > limit:
            raise LimitError(
                f"contracts may take {format_tokens(already)} by what was allowed before",
                hint="Take the allowance back first, or set a limit above it",
            )
        with self._lock:
            self._limit, self._moved = limit, {("before",): already}

    def transaction(self, transaction: dict[str, Any]) -> None:
        """Count a transaction.

        Raises:
            LimitError: it moves more than is left, or the chain's own coin; it must not be signed.
        """
        if self._limit is None:
            return
        if transaction["value"]:
            raise LimitError(
                "with a limit on this session, the chain's own coin is not sent along",
                hint="Take the limit away: lab.wallet.limit(None)",
            )
        data = transaction["data"][2:]
        place = _AMOUNTS.get(data[:8])
        amount = int(data[8 + 64 * place : 72 + 64 * place] or "0", 16) if place is not None else 0
        self._count((transaction["chainId"], transaction["nonce"]), amount)

    def typed_data(self, typed: dict[str, Any]) -> None:
        """Count a signature that lets others take tokens.

        Raises:
            LimitError: it allows more than is left, or nobody knows what it allows; it must not be signed.
        """
        kind = typed["primaryType"]
        if self._limit is None or kind in _HARMLESS:
            return
        if kind not in _SPENDS:
            raise LimitError(
                f"with a limit on this session, a message of type {kind} is not signed: it could cost anything",
                hint="Take the limit away: lab.wallet.limit(None)",
            )
        message = typed["message"]
        self._count((str(typed["domain"]), str(message.get("nonce"))), int(message["value"]))

    def _count(self, key: tuple[object, ...], amount: int) -> None:
        with self._lock:
            limit = self._limit or 0
            moved = sum(value for known, value in self._moved.items() if known != key)
            if amount and moved + amount > limit:
                left = format_tokens(max(0, limit - moved))
                raise LimitError(
                    f"{format_tokens(amount)} is more than this session may still move ({left})",
                    hint=f'Raise the limit: lab.wallet.limit("{format_tokens(amount, "")}") starts counting anew',
                )
            self._moved[key] = max(amount, self._moved.get(key, 0))

"""Stake behind those who work for others: what it risks and how it comes back (docs/spec/contracts.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sahara_lab.chain import Chain, Wallet
from sahara_lab.chain.sender import Sender
from sahara_lab.display import bundle, card, text_card
from sahara_lab.errors import FundsError, InputError, NetworkError, NotFound
from sahara_lab.identity import Directory
from sahara_lab.licensing.terms import format_duration
from sahara_lab.rental.vouchers import allow
from sahara_lab.units import Wei, format_tokens, to_wei

ROLES = ("provider", "key-server", "curator")


@dataclass(frozen=True)
class StakeQuote:
    """What staking would do, in words, before anything is spent."""

    operator: str
    role: str
    amount: Wei
    balance: Wei
    cooldown: int

    def __str__(self) -> str:
        return (
            f"stake {format_tokens(self.amount)} behind {self.operator} as {self.role}. "
            f"It can be taken in part or in whole if {self.operator} does not keep its word. "
            f"It comes back {format_duration(self.cooldown)} after you ask for it, at what it is worth by then, "
            f"and does not vote meanwhile. You have {format_tokens(self.balance)}"
        )


@dataclass(frozen=True)
class StakeStatus:
    """What stands behind an operator, and what of it is the account's. Amounts in wei.

    ``leaving`` can be withdrawn from ``available_at`` on, in seconds of the chain's clock.
    """

    operator: str
    role: str
    total: Wei
    locked: Wei
    mine: Wei
    leaving: Wei
    available_at: int
    now: int

    @property
    def next_step(self) -> str | None:
        """What can be done with it now: ``withdraw``, or nothing."""
        return "withdraw" if self.leaving and self.now >= self.available_at else None

    def __str__(self) -> str:
        parts = [f"{format_tokens(self.total)} behind {self.operator} as {self.role}"]
        parts.append(f"{format_tokens(self.locked)} locked")
        parts.append(f"{format_tokens(self.mine)} yours")
        if self.leaving:
            wait = self.available_at - self.now
            when = f"in {format_duration(wait)}" if wait > 0 else "withdraw it now"
            parts.append(f"{format_tokens(self.leaving)} on its way back, {when}")
        return ", ".join(parts)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        rows: list[tuple[str, object]] = [
            ("Behind", self.operator),
            ("In all", format_tokens(self.total)),
            ("Locked", format_tokens(self.locked)),
            ("Yours", format_tokens(self.mine)),
        ]
        if self.leaving:
            rows.append(("On its way back", format_tokens(self.leaving)))
        if self.next_step:
            rows.append(("Next step", self.next_step))
        return bundle(text_card(self, rows), card("Stake", rows, badge=self.role))


class Staking:
    """Stake of one account, behind itself or others."""

    def __init__(self, chain: Chain, directory: Directory, wallet: Wallet, sender: Sender) -> None:
        if "Staking" not in chain.addresses:
            raise NetworkError(
                "this network was founded before stake existed",
                hint="Its DAO can vote the contract in; everything else works as before",
            )
        self._chain = chain
        self._directory = directory
        self._wallet = wallet
        self._sender = sender
        self._staking = chain.contract("Staking")

    def quote(self, amount: str, *, behind: str | None = None, role: str = "provider") -> StakeQuote:
        """What :meth:`stake` with the same arguments would do.

        Raises:
            InputError: nothing to stake, or an unknown role.
            FundsError: the balance is smaller.
        """
        wei = to_wei(amount)
        if not wei:
            raise InputError("the amount must be more than zero")
        balance = self._chain.contract("SaharaToken").call("balanceOf", self._wallet.address)
        if balance < wei:
            raise FundsError(f"{self._wallet.handle} has {format_tokens(balance)}, not {format_tokens(wei)}")
        operator, _ = self._pool(behind, role)
        return StakeQuote(self._directory.handle(operator), role, wei, Wei(balance), self._staking.call("COOLDOWN"))

    def stake(self, amount: str, *, behind: str | None = None, role: str = "provider") -> StakeStatus:
        """Put whole tokens ("100") behind an operator, by default oneself.

        Raises:
            InputError, FundsError: as for :meth:`quote`.
        """
        wei = self.quote(amount, behind=behind, role=role).amount
        operator, pool = self._pool(behind, role)
        allow(self._chain, self._sender, self._wallet.address, self._staking, wei)
        self._sender.send(self._staking, "stake", pool, operator, wei)
        return self.status(behind=behind, role=role)

    def unstake(self, amount: str = "all", *, behind: str | None = None, role: str = "provider") -> StakeStatus:
        """Begin to take stake back. It can be slashed until the cool-down is over, which begins again for all of it.

        Raises:
            InputError: more than the account has there.
            NotFound: the account has nothing there.
        """
        operator, pool = self._pool(behind, role)
        found = self._staking.call("poolOf", pool, operator)
        held = self._staking.call("positionOf", pool, operator, self._wallet.address)["shares"]
        if not held:
            raise NotFound(f"you have no stake behind {self._directory.handle(operator)} as {role}")
        shares = held if amount == "all" else -(-to_wei(amount) * found["shares"] // found["assets"])
        if not 0 < shares <= held:
            mine = format_tokens(held * found["assets"] // found["shares"])
            raise InputError(f"you have {mine} there", hint='Ask for less, or for "all"')
        self._sender.send(self._staking, "unstake", pool, operator, shares)
        return self.status(behind=behind, role=role)

    def withdraw(self, *, behind: str | None = None, role: str = "provider") -> Wei:
        """Pay out what has cooled down, in wei.

        Raises:
            ChainError: nothing was asked for, it cools down still, or it stands behind a job that runs.
        """
        operator, pool = self._pool(behind, role)
        receipt = self._sender.send(self._staking, "withdraw", pool, operator)
        return Wei(sum(event.args["amount"] for event in receipt.events if event.name == "Withdrawn"))

    def status(self, *, behind: str | None = None, role: str = "provider") -> StakeStatus:
        """What stands behind an operator, by default oneself."""
        operator, pool = self._pool(behind, role)
        found, position = self._chain.batch_call(
            [
                (self._staking, "poolOf", (pool, operator)),
                (self._staking, "positionOf", (pool, operator, self._wallet.address)),
            ]
        )
        worth = [
            position[part] * found["assets"] // found["shares"] if found["shares"] else 0
            for part in ("shares", "leaving")
        ]
        return StakeStatus(
            operator=self._directory.handle(operator),
            role=role,
            total=Wei(found["assets"]),
            locked=Wei(found["locked"]),
            mine=Wei(worth[0]),
            leaving=Wei(worth[1]),
            available_at=position["availableAt"],
            now=self._chain.block("latest").timestamp,
        )

    def _pool(self, behind: str | None, role: str) -> tuple[str, bytes]:
        if role not in ROLES:
            raise InputError(f"there is no role {role!r}", hint=f"Roles are: {', '.join(ROLES)}")
        operator = self._directory.address(behind) if behind else self._wallet.address
        return operator, role.encode().ljust(32, b"\0")

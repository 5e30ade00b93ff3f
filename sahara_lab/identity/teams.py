"""Teams: groups of accounts on chain that assets are shared with. A team is ``owner/name``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sahara_lab.chain import Chain, Sender
from sahara_lab.display import Rows
from sahara_lab.errors import InputError, NotFound
from sahara_lab.identity.directory import ZERO_ADDRESS, Directory


@dataclass(frozen=True)
class Team:
    """A team: its number on chain, its full name, and the handles of its members."""

    id: int
    name: str
    members: tuple[str, ...]


class TeamRows(Rows):
    """Teams of an account."""

    headers = ("Team", "Members")

    def cells(self, value: Team) -> tuple[object, ...]:
        return (value.name, ", ".join(value.members) or "nobody")


class Teams:
    """Teams as one account sees them; it decides about its own.

    Args:
        sender: makes the account's sender when a transaction is due; None for looking only.
    """

    def __init__(
        self, chain: Chain, directory: Directory, address: str, sender: Callable[[], Sender] | None, from_block: int
    ) -> None:
        self._contract = chain.contract("Teams")
        self._directory = directory
        self._address = address
        self._sender = sender
        self._from_block = from_block

    def new(self, name: str, members: Sequence[str] = ()) -> Team:
        """Found a team.

        Raises:
            ChainError: the account has a team of that name, or it cannot be a name.
        """
        addresses = [self._directory.address(member) for member in members]
        self._send("found", name)
        if addresses:
            self._send("addMembers", self.number(name), addresses)
        return self.get(name)

    def add(self, name: str, *members: str) -> Team:
        """Add accounts to an own team: what is shared with it is theirs to read from now on."""
        return self._change("addMembers", name, members)

    def remove(self, name: str, *members: str) -> Team:
        """Remove accounts from an own team: key servers release nothing to them any more.

        Keys that they got before still open what they opened; ``rotate`` the assets to end that.
        """
        return self._change("removeMembers", name, members)

    def _change(self, what: str, name: str, members: Sequence[str]) -> Team:
        if not members:
            raise InputError("name at least one account")
        addresses = [self._directory.address(member) for member in members]
        self._send(what, self.number(name), addresses)
        return self.get(name)

    def _send(self, function: str, *args: object) -> None:
        if self._sender is None:
            raise InputError("these teams are for looking only")
        self._sender().send(self._contract, function, *args)

    def get(self, name: str) -> Team:
        """A team by ``owner/name``, or ``name`` for an own one.

        Raises:
            NotFound: there is no such team.
        """
        return self.by_number(self.number(name))

    def mine(self) -> TeamRows:
        """The account's own teams."""
        founded = self._contract.logs("TeamFounded", self._from_block)
        return TeamRows(self.by_number(e.args["team"]) for e in founded if e.args["owner"] == self._address)

    def number(self, name: str) -> int:
        """The number of a team by its name.

        Raises:
            NotFound: there is no such team.
        """
        owner, _, own = name.rpartition("/")
        number = int(self._contract.call("teamOf", self._directory.address(owner) if owner else self._address, own))
        if not number:
            raise NotFound(f"there is no team {name!r}", hint=f"Found it: sahara-lab team new {own}")
        return number

    def by_number(self, number: int) -> Team:
        """A team by its number.

        Raises:
            NotFound: there is none.
        """
        owner, name = self._contract.call("get", number)
        if owner == ZERO_ADDRESS:
            raise NotFound(f"there is no team {number}")
        added = [e for e in self._contract.logs("MemberAdded", self._from_block) if e.args["team"] == number]
        ever = list(dict.fromkeys(event.args["account"] for event in added))
        members = [account for account in ever if self._contract.call("isMember", number, account)]
        handles = tuple(self._directory.handle(account) for account in members)
        return Team(number, f"{self._directory.handle(owner)}/{name}", handles)

"""Groups of accounts that assets are shared with.

Made from the ABI and NatSpec of Teams by contracts/tools/handles.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.orders import Call


class MemberAdded(NamedTuple):
    """`account` belongs to the team from here on."""

    team: int
    account: str


class MemberRemoved(NamedTuple):
    """`account` does not belong to the team any more."""

    team: int
    account: str


class TeamFounded(NamedTuple):
    """`owner` founded a team."""

    team: int
    owner: str
    name: str


class GetResult(NamedTuple):
    """What ``get(uint256)`` gives."""

    owner: str
    name: str


class Teams(Handle):
    """Groups of accounts that assets are shared with."""

    CONTRACT = "Teams"

    def add_members(self, team: int, accounts: Sequence[str]) -> Call:
        """Adds accounts; those that are members already stay so."""
        return Call(self.contract, "addMembers", (team, accounts))

    def found(self, name: str) -> Call:
        """Founds a team of the caller's, with nobody in it. Ids are given out from 1 upward."""
        return Call(self.contract, "found", (name,))

    def get(self, team: int) -> View[GetResult]:
        """``get(uint256)``."""
        return View(self, "get(uint256)", team, result=GetResult)

    def is_member(self, team: int, account: str) -> View[bool]:
        """Whether `account` belongs to the team. Its owner does not unless added."""
        return View(self, "isMember(uint256,address)", team, account)

    def remove_members(self, team: int, accounts: Sequence[str]) -> Call:
        """Removes accounts; those that are no members are passed over."""
        return Call(self.contract, "removeMembers", (team, accounts))

    def team_of(self, owner: str, name: str) -> View[int]:
        """The id of `owner/name`; zero when there is none."""
        return View(self, "teamOf(address,string)", owner, name)

"""Access classes beside "read": a team, or everybody who licensed an asset under certain terms.

The name of a class says whom and until when. It is bound into each sealed share, so a key server decides by the name
that the owner sealed for, and by what the chain says of the group at that moment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sahara_lab.chain import Chain
from sahara_lab.errors import InputError, NotFound
from sahara_lab.identity import Directory, Teams
from sahara_lab.licensing.terms import License

LICENSEES = "read"
_NAME = re.compile(r"(team):([1-9][0-9]{0,18})(?:@([1-9][0-9]{0,11}))?|(terms):([0-9a-f]{64})(?:@([1-9][0-9]{0,11}))?")


@dataclass(frozen=True)
class Group:
    """Whom a part of an asset is shared with: ``kind`` is "team" (its number) or "terms" (their id in hex).

    ``until`` is in seconds since the epoch, 0 for ever.
    """

    kind: str
    id: str
    until: int = 0

    @property
    def access_class(self) -> str:
        return f"{self.kind}:{self.id}" + (f"@{self.until}" if self.until else "")

    @classmethod
    def parse(cls, access_class: str) -> Group | None:
        """The group of a class; None when the class is none that this version knows."""
        found = _NAME.fullmatch(access_class)
        if found is None:
            return None
        kind, number, until = (a or b for a, b in zip(found.groups()[:3], found.groups()[3:], strict=True))
        return cls(kind, number, int(until or 0))


class Groups:
    """Finds groups by their names: ``team:owner/name``, ``team:name``, ``license:Commercial``, ``license:0x…``."""

    def __init__(self, chain: Chain, directory: Directory, address: str, from_block: int) -> None:
        self._chain = chain
        self._directory = directory
        self._address = address
        self._from_block = from_block

    def find(self, text: str, asset: int, until: int = 0) -> Group | None:
        """The group of that name; None when an account is meant.

        Args:
            asset: whose offers a license's name is looked up in.

        Raises:
            NotFound: there is no such team, or no such offer.
            InputError: two offers have that name.
        """
        kind, _, name = text.partition(":")
        if not name:
            return None
        if kind == "team":
            return Group("team", str(self._teams.number(name)), until)
        if kind == "license":
            return Group("terms", self._terms(name, asset), until)
        raise InputError(f"{text!r} is nobody", hint="Write a handle, team:NAME or license:NAME")

    def describe(self, group: Group) -> tuple[str, str]:
        """A group's name, and who belongs to it, as a person reads them."""
        if group.kind == "team":
            team = self._teams.by_number(int(group.id))
            return f"team:{team.name}", f"team of {', '.join(team.members) or 'nobody'}"
        return f"license:{self._license(bytes.fromhex(group.id)).flavor}", "holders of that license"

    @property
    def _teams(self) -> Teams:
        return Teams(self._chain, self._directory, self._address, None, self._from_block)

    def _terms(self, name: str, asset: int) -> str:
        if re.fullmatch(r"0x[0-9a-fA-F]{64}", name):
            return name[2:].lower()
        offered = [bytes(terms) for terms in self._chain.contract("Market").call("offersOf", asset)]
        found = [terms for terms in offered if self._license(terms).flavor.lower() == name.lower()]
        if not found:
            known = ", ".join(self._license(terms).flavor for terms in offered) or "nothing"
            raise NotFound(f"the asset is not offered under {name!r}", hint=f"It is offered under: {known}")
        if len(found) > 1:
            raise InputError(f"{len(found)} offers are called {name!r}", hint=f"Write license:0x{found[0].hex()}")
        return found[0].hex()

    def _license(self, terms: bytes) -> License:
        return License.from_struct(self._chain.contract("LicenseTerms").call("get", terms), terms)

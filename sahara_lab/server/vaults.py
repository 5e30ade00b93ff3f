"""What the vault section asks for: whose vaults, what is in them, who can read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sahara_lab.errors import InputError
from sahara_lab.licensing.terms import READ
from sahara_lab.server import serialize
from sahara_lab.server.serialize import Json

if TYPE_CHECKING:
    from sahara_lab.lab import Lab
    from sahara_lab.licensing.sharing import Renewals
    from sahara_lab.market.listings import Listing
    from sahara_lab.market.values import LicenseGrant
    from sahara_lab.vault import Entry, Vault

#: Files that are looked at for the sizes of the folders of one page; what lies beyond stays without a size.
COUNTED = 50_000


class VaultService:
    """Vaults of the accounts of one network. Every call blocks.

    Args:
        lab: gives the ``Lab`` of an account, the default one for None.
    """

    def __init__(self, lab: Callable[[str | None], Lab]) -> None:
        self._lab = lab

    # -- looking ------------------------------------------------------------------------------------------------------

    def mine(self, account: str | None) -> Json:
        """Vaults that the account owns, those it prepares, and those it holds a valid license for."""
        lab = self._lab(account)
        changes = lab.vault.fs.drafts()
        own = _all_own(lab)
        listed = [serialize.vault(one, owned=True, changes=_of(changes, one, lab.account)) for one in own]
        published = {one.name for one in own}
        drafts = {f"{lab.account}/{name}": count for name, count in changes.items()}
        listed += [serialize.draft(name, count) for name, count in drafts.items() if name not in published]
        return {"vaults": [*listed, *(serialize.vault(*pair) for pair in _licensed(lab))]}

    def folder(self, account: str | None, name: str, version: int, path: str, offset: int, limit: int) -> Json:
        """One page of a folder of a published version: folders first, then files, by name."""
        vault = self._vault(account, name, version)
        if vault.info(path).kind != "directory":
            raise InputError(f"{path!r} is a file", hint="Open it in a notebook: Insert code")
        entries = sorted(vault.listdir(path), key=lambda entry: (entry.kind != "directory", entry.name))
        left = [COUNTED]
        return {
            "root": f"0x{vault.ref.root.hex()}",
            "total": len(entries),
            "offset": offset,
            "entries": [
                serialize.entry(entry, _size(vault, entry, left)) for entry in entries[offset : offset + limit]
            ],
        }

    def readers(self, account: str | None, name: str) -> Json:
        """Everybody who can get the keys of an own vault now."""
        return {"readers": [serialize.reader(one) for one in self._lab(account).vault.who_can_read(name)]}

    # -- deciding -----------------------------------------------------------------------------------------------------

    def share(self, account: str | None, name: str, with_: str, path: str, until: int) -> Json:
        self._lab(account).vault.share(name, with_, path, not_after=until)
        return self.readers(account, name)

    def unshare(self, account: str | None, name: str, with_: str) -> Json:
        return self._renewed(self._lab(account), self._lab(account).vault.unshare(name, with_))

    def rotate(self, account: str | None, name: str) -> Json:
        return self._renewed(self._lab(account), self._lab(account).vault.rotate(name))

    # -- steps --------------------------------------------------------------------------------------------------------

    @staticmethod
    def _renewed(lab: Lab, renewals: Renewals) -> Json:
        lab.vault.fs.invalidate_cache()
        return serialize.renewals(renewals)

    def _vault(self, account: str | None, name: str, version: int) -> Vault:
        return self._lab(account).vault.fs.vault(f"{name}@{version}")


def _all_own(lab: Lab) -> list[Listing]:
    """Every asset that the account owns, newest first."""
    found: list[Listing] = []
    while True:
        page = lab.market.search(owner=lab.account, sort="newest", page=len(found) // 100 + 1, per_page=100)
        found += page.items
        if len(page.items) < 100:
            return found


def _of(changes: dict[str, int], one: Listing, account: str) -> int:
    owner, _, name = one.name.partition("/")
    return changes.get(name, 0) if owner == account else 0


def _licensed(lab: Lab) -> list[tuple[Listing, bool, LicenseGrant]]:
    """What others own and the account holds a valid license for, with that license: one that lets it read, if any."""
    best: dict[int, LicenseGrant] = {}
    for grant in lab.market.licenses():
        if grant.status == "valid":
            best[grant.asset_id] = max(best.get(grant.asset_id, grant), grant, key=_worth)
    pairs = ((lab.market.listings.get(asset), grant) for asset, grant in best.items())
    return [(listing, False, grant) for listing, grant in pairs if listing and listing.owner != lab.account]


def _worth(grant: LicenseGrant) -> tuple[bool, float]:
    return bool(grant.terms.uses & READ), grant.expires_at or float("inf")


def _size(vault: Vault, entry: Entry, left: list[int]) -> int | None:
    """Bytes of a file, or of all files in a folder; None when more than ``left[0]`` would have to be looked at."""
    if entry.kind != "directory":
        return entry.size
    total = 0
    for child in vault.listdir(entry.path):
        left[0] -= 1
        size = _size(vault, child, left) if left[0] >= 0 else None
        if size is None:
            return None
        total += size
    return total

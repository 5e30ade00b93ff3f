"""Terms and names as the chain keeps them; neither ever changes, so what was read is kept."""

from __future__ import annotations

from collections.abc import Iterable

from sahara_lab.chain import Chain
from sahara_lab.identity import Directory
from sahara_lab.licensing.terms import License


class Terms:
    """License terms by their content address."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._registry = chain.contract("LicenseTerms")
        self._known: dict[bytes, License] = {}

    def get(self, terms_id: bytes) -> License:
        """Registered terms.

        Raises:
            ChainError: nobody registered terms of that id.
        """
        return self.all([terms_id])[0]

    def all(self, terms_ids: Iterable[bytes]) -> list[License]:
        """Many at once, in their order."""
        keys = [bytes(terms_id) for terms_id in terms_ids]
        unknown = [key for key in dict.fromkeys(keys) if key not in self._known]
        for key, struct in zip(
            unknown, self._chain.batch_call([(self._registry, "get", (key,)) for key in unknown]), strict=True
        ):
            self._known[key] = License.from_struct(struct, key)
        return [self._known[key] for key in keys]

    def identify(self, license: License, currency: str) -> bytes:
        """The content address of terms."""
        return bytes(self._registry.call("idOf", license.to_struct(currency)))


class AssetNames:
    """``owner/name`` of assets by their ids: the creator's handle, and the name given by them."""

    def __init__(self, chain: Chain, directory: Directory) -> None:
        self._chain = chain
        self._directory = directory
        self._registry = chain.contract("AssetRegistry")
        self._known: dict[int, tuple[str, str]] = {}

    def of(self, asset: int) -> str:
        """One asset's name.

        Raises:
            ChainError: there is no such asset.
        """
        return self.all([asset])[0]

    def all(self, assets: Iterable[int]) -> list[str]:
        """Many at once, in their order."""
        wanted = list(assets)
        unknown = [asset for asset in dict.fromkeys(wanted) if asset not in self._known]
        calls = [(self._registry, function, (asset,)) for asset in unknown for function in ("creatorOf", "nameOf")]
        answers = self._chain.batch_call(calls) if calls else []
        for index, asset in enumerate(unknown):
            self._known[asset] = (answers[2 * index], answers[2 * index + 1])
        # The handle is asked for each time: an account may claim one later.
        return [f"{self._directory.handle(creator)}/{name}" for creator, name in map(self._known.__getitem__, wanted)]

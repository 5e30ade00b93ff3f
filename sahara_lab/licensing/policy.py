"""The vault's ``AccessPolicy``, answered by the chain.

Key servers ask it at a finalized block. An idle embedded chain has no new blocks, so a license's expiry is
also held against the wall clock: whichever is later decides.
"""

from __future__ import annotations

import time

from sahara_lab.chain import Chain
from sahara_lab.errors import ChainError
from sahara_lab.licensing.terms import READ, ZERO_ADDRESS, use_mask
from sahara_lab.vault import Decision


class ChainAccessPolicy:
    """Checks licenses on chain.

    Args:
        chain: the network to ask.
        tag: block to ask at; ``finalized`` for key servers, so that a reorganization cannot unsay an answer.
    """

    def __init__(self, chain: Chain, tag: str = "finalized") -> None:
        self._chain = chain
        self._tag = tag

    def identity(self, asset: int) -> tuple[str, str] | None:
        """Creator and name of an asset, or None when the registry does not know it."""
        registry = self._chain.contract("AssetRegistry")
        try:
            creator, name = self._chain.batch_call([(registry, "creatorOf", (asset,)), (registry, "nameOf", (asset,))])
        except ChainError:
            return None
        return (creator, name) if creator != ZERO_ADDRESS else None

    def check(self, account: str, asset: int, epoch: int, use: str) -> Decision:
        """Whether ``account`` may have the keys of ``asset`` for ``use``.

        Args:
            epoch: key epoch of the manifest that the reader holds; older than the registry's is refused.
        """
        block = self._chain.block(self._tag)
        now = max(self._chain.block("latest").timestamp, int(time.time()))
        reason, license, detail = self._judge(account, asset, epoch, use, self._tag, now)
        if reason != "ok":
            # A refusal is safe at any block, and the newest knows best why.
            reason, _, detail = self._judge(account, asset, epoch, use, "latest", now)
            if reason == "ok":
                reason, detail = "not-final", "the license is recorded but its block is not final yet"
        elif not self._still(account, asset, use):
            reason, license, detail = "no-license", 0, "the license was given back or sold"
        return Decision(
            allowed=reason == "ok",
            license=license,
            block_number=block.number,
            block_hash=block.hash,
            reason_code=reason,
            detail=detail,
        )

    def _still(self, account: str, asset: int, use: str) -> bool:
        """Whether the newest block has not taken back what a final one allows."""
        licenses = self._chain.contract("LicenseToken")
        return bool(licenses.call("hasAccess", account, asset, use_mask(use) | READ, block="latest"))

    def _judge(self, account: str, asset: int, epoch: int, use: str, tag: str, now: int) -> tuple[str, int, str]:
        registry = self._chain.contract("AssetRegistry")
        licenses = self._chain.contract("LicenseToken")
        # Released keys serve any use, so every release needs the right to read: a compute-only license has none.
        mask = use_mask(use) | READ
        try:
            owner, count, allowed, license = self._chain.batch_call(
                [
                    (registry, "ownerOf", (asset,)),
                    (registry, "versionCount", (asset,)),
                    (licenses, "hasAccess", (account, asset, mask)),
                    (licenses, "licenseFor", (account, asset, mask)),
                ],
                block=tag,
            )
        except ChainError as error:
            return "unknown-asset", 0, str(error)
        epochs = self._chain.batch_call(
            [(registry, "versionOf", (asset, version)) for version in range(1, count + 1)], block=tag
        )
        if epoch not in {entry["epoch"] for entry in epochs}:
            return "stale-epoch", 0, f"key epoch {epoch} of asset {asset} is not in use"
        if owner.lower() == account.lower():
            return "ok", 0, "owner"
        held = self._chain.batch_call(
            [(licenses, "get", (number,)) for number in licenses.call("licensesOf", account, asset, block=tag)],
            block=tag,
        )
        if allowed and self._alive(licenses.call("get", license, block=tag)["expiresAt"], now):
            return "ok", license, ""
        return _refusal(held, mask, now)

    @staticmethod
    def _alive(expires_at: int, now: int) -> bool:
        return expires_at == 0 or expires_at > now


def _refusal(held: list[dict[str, int]], mask: int, now: int) -> tuple[str, int, str]:
    """The most helpful reason why none of the licenses held is enough."""
    if not held:
        return "no-license", 0, "the account holds no license"
    fitting = [license for license in held if license["uses"] & mask == mask]
    if fitting and all(license["expiresAt"] and license["expiresAt"] <= now for license in fitting):
        last = max(license["expiresAt"] for license in fitting)
        return "expired", 0, f"the license expired at {last}"
    return "compute-only" if not fitting else "no-license", 0, "the license does not allow this use"

"""The vault's ``AccessPolicy``, answered by the chain.

Key servers ask it at a finalized block. An idle embedded chain has no new blocks, so a license's expiry is
also held against the wall clock: whichever is later decides.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from sahara_lab.chain import Chain
from sahara_lab.errors import ChainError
from sahara_lab.licensing.groups import LICENSEES, Group
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

    def owner(self, asset: int) -> str | None:
        """The present owner of an asset, or None when the registry does not know it."""
        try:
            return str(self._chain.contract("AssetRegistry").call("ownerOf", asset))
        except ChainError:
            return None

    def check(self, account: str, asset: int, epoch: int, use: str, access_class: str = LICENSEES) -> Decision:
        """Whether ``account`` may have the keys of ``asset`` for ``use``.

        Args:
            epoch: key epoch of the manifest that the reader holds; one that no version uses any more is refused.
            access_class: whom the owner sealed the key for: "read", or the name of a :class:`Group`.
        """
        block = self._chain.block(self._tag)
        now = max(self._chain.block("latest").timestamp, int(time.time()))
        question = _Question(account, asset, epoch, use, access_class, now)
        # What allows it must be final and must not have been taken back since; a refusal is safe at any block.
        answer = self._judge(question, "latest")
        if answer.reason == "ok":
            answer = self._judge(question, self._tag)
            if answer.reason != "ok":
                answer = _Answer("not-final", detail="what allows it is recorded, but its block is not final yet")
        return Decision(
            allowed=answer.reason == "ok",
            license=answer.license,
            block_number=block.number,
            block_hash=block.hash,
            reason_code=answer.reason,
            detail=answer.detail,
            until=answer.until,
        )

    def _judge(self, question: _Question, tag: str) -> _Answer:
        registry = self._chain.contract("AssetRegistry")
        try:
            owner, count = self._chain.batch_call(
                [(registry, "ownerOf", (question.asset,)), (registry, "versionCount", (question.asset,))], block=tag
            )
        except ChainError as error:
            return _Answer("unknown-asset", detail=str(error))
        versions = [(registry, "versionOf", (question.asset, version)) for version in range(1, count + 1)]
        if question.epoch not in {entry["epoch"] for entry in self._chain.batch_call(versions, block=tag)}:
            return _Answer("stale-epoch", detail=f"key epoch {question.epoch} of asset {question.asset} is not in use")
        if owner.lower() == question.account.lower():
            return _Answer("ok", detail="owner")
        if question.access_class == LICENSEES:
            return self._judge_licensee(question, tag)
        group = Group.parse(question.access_class)
        if group is None:
            return _Answer("unknown-class", detail=f"this key server does not know {question.access_class!r}")
        if group.until and group.until <= question.now:
            return _Answer("expired", detail=f"it was shared until {group.until}")
        found = (
            self._judge_member(question, group, tag)
            if group.kind == "team"
            else self._judge_terms(question, group, tag)
        )
        ends = [end for end in (group.until, found.until) if end]
        return replace(found, until=min(ends, default=0))

    def _judge_licensee(self, question: _Question, tag: str) -> _Answer:
        licenses = self._chain.contract("LicenseToken")
        # Released keys serve any use, so every release needs the right to read: a compute-only license has none.
        mask = use_mask(question.use) | READ
        allowed, license, numbers = self._chain.batch_call(
            [
                (licenses, "hasAccess", (question.account, question.asset, mask)),
                (licenses, "licenseFor", (question.account, question.asset, mask)),
                (licenses, "licensesOf", (question.account, question.asset)),
            ],
            block=tag,
        )
        if allowed:
            until = licenses.call("get", license, block=tag)["expiresAt"]
            if _alive(until, question.now):
                return _Answer("ok", license, until=until)
        held = self._chain.batch_call([(licenses, "get", (number,)) for number in numbers], block=tag)
        return _refusal(held, mask, question.now)

    def _judge_member(self, question: _Question, group: Group, tag: str) -> _Answer:
        if "Teams" not in self._chain.addresses:
            return _Answer("unknown-class", detail="this network has no teams")
        if self._chain.contract("Teams").call("isMember", int(group.id), question.account, block=tag):
            return _Answer("ok", detail=group.access_class)
        return _Answer("not-in-group", detail=f"the account does not belong to team {group.id}")

    def _judge_terms(self, question: _Question, group: Group, tag: str) -> _Answer:
        """Whether the account holds a license under these terms. What the owner shared with them may be read, whatever
        else the terms allow."""
        licenses = self._chain.contract("LicenseToken")
        mask = use_mask(question.use) & ~READ
        numbers = licenses.call("licensesOf", question.account, question.asset, block=tag)
        held = self._chain.batch_call([(licenses, "get", (number,)) for number in numbers], block=tag)
        fitting = [
            (number, license)
            for number, license in zip(numbers, held, strict=True)
            if bytes(license["termsId"]).hex() == group.id and license["uses"] & mask == mask
        ]
        for number, license in fitting:
            if _alive(license["expiresAt"], question.now):
                return _Answer("ok", number, until=license["expiresAt"])
        return _Answer("expired" if fitting else "not-in-group", detail="no valid license under these terms")


@dataclass(frozen=True)
class _Question:
    account: str
    asset: int
    epoch: int
    use: str
    access_class: str
    now: int


@dataclass(frozen=True)
class _Answer:
    reason: str
    license: int = 0
    detail: str = ""
    until: int = 0


def _alive(expires_at: int, now: int) -> bool:
    return expires_at == 0 or expires_at > now


def _refusal(held: list[dict[str, int]], mask: int, now: int) -> _Answer:
    """The most helpful reason why none of the licenses held is enough."""
    if not held:
        return _Answer("no-license", detail="the account holds no license")
    fitting = [license for license in held if license["uses"] & mask == mask]
    if fitting and not any(_alive(license["expiresAt"], now) for license in fitting):
        last = max(license["expiresAt"] for license in fitting)
        return _Answer("expired", detail=f"the license expired at {last}")
    return _Answer("compute-only" if not fitting else "no-license", detail="the license does not allow this use")

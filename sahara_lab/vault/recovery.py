"""An owner's recovery: k of m guardians together give back the key that opens the owner's grants, and so the vaults.

The owner's encryption seed is split by Shamir; each share is HPKE-sealed to a guardian's registered key, in a document
that is useless to anybody else. To recover, the owner makes a fresh key and asks the guardians, who compare its
fingerprint with the person in front of them and seal their shares to it. Fewer than k guardians learn nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from sahara_lab.errors import AccessDenied, InputError, IntegrityError
from sahara_lab.signing import Signer, canonical_json, recover_typed_data
from sahara_lab.vault import shamir
from sahara_lab.vault.sealing import (
    PUBLIC_KEY_SIZE,
    SEED_SIZE,
    EncryptionKey,
    new_seed,
    open_sealed,
    public_bytes,
    seal_to,
)
from sahara_lab.vault.typed import bytes_of, typed

MAX_GUARDIANS = 32
_SHARE = b"sahara-vault/v1/guardian\0"
_ANSWER = b"sahara-vault/v1/guardian-answer\0"
_DIGEST = b"sahara-vault/v1/guardian-digest\0"


@dataclass(frozen=True)
class GuardianShare:
    """One guardian's share, sealed to the key that the guardian had registered."""

    guardian: str
    sealed: bytes
    digest: bytes


@dataclass(frozen=True)
class Guardianship:
    """Who can give an owner's key back: ``threshold`` of these guardians. Signed by the owner; holds no secret."""

    account: str
    public_key: bytes = field(repr=False)
    threshold: int
    shares: tuple[GuardianShare, ...]
    chain_id: int
    registry: str
    signature: bytes = field(default=b"", repr=False)

    def _bound(self) -> dict[str, Any]:
        """What every share is sealed for: moved to another owner or threshold it does not open."""
        return {
            "account": self.account.lower(),
            "public_key": hashlib.sha256(self.public_key).hexdigest(),
            "threshold": self.threshold,
            "shares": len(self.shares),
            "chain_id": self.chain_id,
            "registry": self.registry.lower(),
        }

    @property
    def digest(self) -> bytes:
        """Names this document."""
        shares = [[one.guardian.lower(), one.sealed.hex(), one.digest.hex()] for one in self.shares]
        return hashlib.sha256(canonical_json({**self._bound(), "sealed": shares})).digest()

    def encode(self) -> bytes:
        """The document: JSON, public."""
        return canonical_json(
            {
                "v": 1,
                "account": self.account,
                "public_key": self.public_key.hex(),
                "threshold": self.threshold,
                "shares": [
                    {"guardian": one.guardian, "sealed": one.sealed.hex(), "digest": one.digest.hex()}
                    for one in self.shares
                ],
                "chain_id": self.chain_id,
                "registry": self.registry,
                "signature": self.signature.hex(),
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Guardianship:
        """Parse a document and see that its owner signed it.

        Raises:
            IntegrityError: it is malformed, or not signed by the account that it names.
        """
        try:
            raw = orjson.loads(data)
            shares = tuple(
                GuardianShare(one["guardian"], bytes_of(one["sealed"], "share"), bytes_of(one["digest"], "digest"))
                for one in raw["shares"][: MAX_GUARDIANS + 1]
            )
            found = cls(
                account=raw["account"],
                public_key=bytes_of(raw["public_key"], "key"),
                threshold=raw["threshold"],
                shares=shares,
                chain_id=raw["chain_id"],
                registry=raw["registry"],
                signature=bytes_of(raw["signature"], "signature"),
            )
            if raw["v"] != 1 or type(found.threshold) is not int or not 1 <= found.threshold <= len(shares):
                raise ValueError("threshold")
            if len(shares) > MAX_GUARDIANS or len(found.public_key) != PUBLIC_KEY_SIZE:
                raise ValueError("sizes")
            signer = recover_typed_data(found._typed(), found.signature)
        except (ValueError, KeyError, TypeError, AttributeError, InputError) as error:
            raise IntegrityError("this is not a document of guardians") from error
        if signer.lower() != found.account.lower():
            raise IntegrityError("the document of guardians is not signed by the account that it names")
        return found

    def _typed(self) -> dict[str, Any]:
        message = {"account": self.account, "document": self.digest}
        return typed("Guardianship", message, self.chain_id, self.registry)


def appoint(
    owner: Signer,
    seed: bytes,
    guardians: Sequence[tuple[str, bytes]],
    threshold: int,
    *,
    chain_id: int,
    registry: str,
) -> Guardianship:
    """Split an owner's encryption seed among guardians.

    Args:
        seed: the 32-byte seed of the owner's encryption key.
        guardians: address and registered encryption key of each.
        threshold: how many of them are needed.

    Raises:
        InputError: too few or too many guardians, one twice, or a threshold that they cannot meet.
    """
    names = [address.lower() for address, _ in guardians]
    if len(set(names)) != len(names) or owner.address.lower() in names:
        raise InputError("guardians are different people, and not the owner")
    if not 2 <= threshold <= len(guardians) <= MAX_GUARDIANS:
        raise InputError(
            f"{threshold} of {len(guardians)} guardians cannot be: 2 at least, {MAX_GUARDIANS} guardians at most"
        )
    shares = shamir.split(seed, threshold, len(guardians))
    empty = tuple(GuardianShare(address, b"", _digest(i, shares[i])) for i, (address, _) in enumerate(guardians, 1))
    draft = Guardianship(owner.address, public_bytes(seed), threshold, empty, chain_id, registry)
    sealed = tuple(
        GuardianShare(address, seal_to(key, _info(draft, index, address), shares[index]), empty[index - 1].digest)
        for index, (address, key) in enumerate(guardians, 1)
    )
    unsigned = Guardianship(owner.address, draft.public_key, threshold, sealed, chain_id, registry)
    return Guardianship(**{**vars(unsigned), "signature": owner.sign_typed_data(unsigned._typed())})


@dataclass(frozen=True)
class Asking:
    """A recovery under way: the fresh key that guardians seal their shares to."""

    document: bytes
    seed: bytes = field(default_factory=new_seed, repr=False)

    def request(self) -> bytes:
        """What the guardians are sent: JSON, public."""
        public = public_bytes(self.seed)
        return canonical_json({"v": 1, "document": self.document.hex(), "public_key": public.hex()})


def fingerprint(request: bytes) -> str:
    """What owner and guardian compare by voice or in person: 20 digits, in groups of five, of a request's hash."""
    number = int.from_bytes(hashlib.sha256(b"sahara-vault/v1/fingerprint\0" + request).digest()[:16], "big") % 10**20
    digits = f"{number:020d}"
    return "-".join(digits[at : at + 5] for at in range(0, 20, 5))


def help_recover(guardianship: Guardianship, request: bytes, guardian: str, key: EncryptionKey | bytes) -> bytes:
    """A guardian's answer: the own share, sealed to the key of the request.

    Raises:
        AccessDenied: the account is no guardian of this owner.
        IntegrityError: the request is of another document, or the share does not open.
    """
    try:
        raw = orjson.loads(request)
        document, public = bytes_of(raw["document"], "document"), bytes_of(raw["public_key"], "key")
    except (ValueError, KeyError, TypeError, InputError) as error:
        raise IntegrityError("this is not a request for recovery") from error
    if document != guardianship.digest:
        raise IntegrityError("the request is about another document of guardians")
    for index, one in enumerate(guardianship.shares, 1):
        if one.guardian.lower() == guardian.lower():
            share = open_sealed(key, _info(guardianship, index, one.guardian), one.sealed)
            sealed = seal_to(public, _answer_info(document, index, public), share)
            return canonical_json({"v": 1, "index": index, "sealed": sealed.hex()})
    raise AccessDenied(f"{guardian} is no guardian of {guardianship.account}")


@dataclass(frozen=True)
class Recovered:
    """The owner's seed, and which guardians gave a share that is not theirs."""

    seed: bytes = field(repr=False)
    liars: tuple[str, ...]


def recover(guardianship: Guardianship, asking: Asking, answers: Sequence[bytes]) -> Recovered:
    """Join the guardians' answers; wrong ones are named and left out.

    Raises:
        AccessDenied: fewer right answers than the threshold.
        IntegrityError: the joined key is not the owner's.
    """
    public = public_bytes(asking.seed)
    good: dict[int, bytes] = {}
    liars: list[str] = []
    for answer in answers:
        try:
            raw = orjson.loads(answer)
            index = raw["index"]
            one = guardianship.shares[index - 1] if type(index) is int and index > 0 else None
            if one is None:
                raise ValueError("index")
            share = open_sealed(asking.seed, _answer_info(asking.document, index, public), bytes_of(raw["sealed"], "x"))
        except (ValueError, KeyError, TypeError, IndexError, InputError, IntegrityError):
            liars.append("somebody")
            continue
        if hmac.compare_digest(_digest(index, share), one.digest) and len(share) == SEED_SIZE:
            good[index] = share
        else:
            liars.append(one.guardian)
    if len(good) < guardianship.threshold:
        lied = f"; not right: the answer of {', '.join(liars)}" if liars else ""
        raise AccessDenied(f"{len(good)} right answers, {guardianship.threshold} are needed{lied}")
    seed = shamir.join(dict(sorted(good.items())[: guardianship.threshold]))
    if not hmac.compare_digest(public_bytes(seed), guardianship.public_key):
        raise IntegrityError("the shares do not join to the owner's key: the document was made wrongly")
    return Recovered(seed, tuple(liars))


def _info(guardianship: Guardianship, index: int, guardian: str) -> bytes:
    bound = {**guardianship._bound(), "index": index, "guardian": guardian.lower()}
    return _SHARE + hashlib.sha256(canonical_json(bound)).digest()


def _answer_info(document: bytes, index: int, public: bytes) -> bytes:
    return _ANSWER + hashlib.sha256(document + bytes([index]) + public).digest()


def _digest(index: int, share: bytes) -> bytes:
    return hashlib.sha256(_DIGEST + bytes([index]) + share).digest()

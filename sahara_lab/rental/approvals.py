"""What an owner allowed strangers' code to do with an asset, signed by the owner's account (EIP-712).

An approval names an asset and a hash: of code that may run on it, or of results that may leave. It counts while who
signed it owns the asset, so neither another account's approval nor one from before a sale lets anything through.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sahara_lab.errors import InputError, IntegrityError
from sahara_lab.rental.journal import write_state
from sahara_lab.signing import Signer, TypedData, canonical_json, recover_typed_data

CODE: Final = "code"
CODE_AND_RESULTS: Final = "code and results"
RESULTS: Final = "results"
REFUSED: Final = "refused"
WHATS: Final = (CODE, CODE_AND_RESULTS, RESULTS, REFUSED)


@dataclass(frozen=True)
class Approval:
    """A signed word about one asset. ``what`` is one of :data:`WHATS`, ``digest`` 32 bytes."""

    what: str
    asset: int
    digest: bytes
    signature: bytes

    def signed_by(self, chain_id: int, registry: str) -> str:
        """The address that signed it; of no account when it is malformed."""
        try:
            return recover_typed_data(_typed(self.what, self.asset, self.digest, chain_id, registry), self.signature)
        except InputError:
            return ""


class Approvals:
    """The approvals on one machine, one file each. Who can write files there can remove one, and make none."""

    def __init__(self, folder: Path, chain_id: int, registry: str) -> None:
        self._folder = folder
        self._chain_id = chain_id
        self._registry = registry

    def sign(self, what: str, asset: int, digest: bytes, owner: Signer) -> Approval:
        """Write down an approval; it is on disk when this returns.

        Raises:
            InputError: there is nothing of the kind to say.
        """
        if what not in WHATS or len(digest) != 32:
            raise InputError(f"an approval is of {', '.join(WHATS)} and names a hash of 32 bytes")
        signature = owner.sign_typed_data(_typed(what, asset, digest, self._chain_id, self._registry))
        self._folder.mkdir(mode=0o700, exist_ok=True)
        document = {"what": what, "asset": str(asset), "digest": digest.hex(), "signature": signature.hex()}
        write_state(self._path(asset, digest), document)
        return Approval(what, asset, digest, signature)

    def find(self, asset: int, digest: bytes, owner: str) -> str | None:
        """What ``owner`` said about ``digest`` and an asset; None when nothing."""
        try:
            found = json.loads(self._path(asset, digest).read_text("utf-8"))
            approval = Approval(str(found["what"]), asset, digest, bytes.fromhex(found["signature"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        signer = approval.signed_by(self._chain_id, self._registry)
        return approval.what if signer and signer.lower() == owner.lower() else None

    def withdraw(self, asset: int, digest: bytes) -> bool:
        """Forget what was said; whether there was something. What runs already goes on to its end."""
        path = self._path(asset, digest)
        there = path.exists()
        path.unlink(missing_ok=True)
        return there

    def all(self) -> list[tuple[int, bytes, str]]:
        """Each asset's number, hash and what was said, in no order; signatures are looked at by :meth:`find`."""
        found = []
        for path in sorted(self._folder.glob("*.json")):
            asset, _, digest = path.stem.partition("-")
            try:
                found.append((int(asset), bytes.fromhex(digest), str(json.loads(path.read_text("utf-8"))["what"])))
            except (ValueError, KeyError, TypeError) as error:
                raise IntegrityError(f"the approval {path} is damaged", hint="Remove it, and approve again") from error
        return found

    def _path(self, asset: int, digest: bytes) -> Path:
        return self._folder / f"{asset}-{digest.hex()}.json"


def code_digest(source: str) -> bytes:
    """What an approval of code names: SHA-256 of the cell's text in UTF-8."""
    return hashlib.sha256(source.encode()).digest()


def results_digest(job: int, outputs: dict[str, Any], record: dict[str, Any]) -> bytes:
    """What an approval of results names: these files and this record of this job, and no others."""
    said = json.dumps(record, sort_keys=True).encode()
    document = {"job": f"{job:#066x}", "outputs": outputs, "record": hashlib.sha256(said).hexdigest()}
    return hashlib.sha256(canonical_json(document)).digest()


def _typed(what: str, asset: int, digest: bytes, chain_id: int, registry: str) -> TypedData:
    return {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "ComputeApproval": [
                {"name": "what", "type": "string"},
                {"name": "asset", "type": "uint256"},
                {"name": "digest", "type": "bytes32"},
            ],
        },
        "primaryType": "ComputeApproval",
        "domain": {
            "name": "Sahara Compute-to-Data",
            "version": "1",
            "chainId": chain_id,
            "verifyingContract": registry,
        },
        "message": {"what": what, "asset": asset, "digest": digest},
    }

"""Signed run manifests: canonical JSON (RFC 8785) in a DSSE envelope, signed by the provider's account.

What is signed is DSSE's pre-authentication encoding (github.com/secure-systems-lab/dsse), as the one field of an
EIP-712 message, so that a wallet can sign it and a contract could check it. The escrow has the envelope's SHA-256.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from sahara_lab.errors import InputError, IntegrityError
from sahara_lab.signing import Signer, TypedData, canonical_json, recover_typed_data

PAYLOAD_TYPE = "application/vnd.sahara-lab.run+json"
_LARGEST = 1 << 20


def sign_manifest(document: dict[str, Any], signer: Signer, chain_id: int, escrow: str) -> bytes:
    """A manifest in its envelope.

    Raises:
        InputError: it holds a fraction, or something that JSON has not got.
    """
    payload = canonical_json(document)
    signature = signer.sign_typed_data(_typed(payload, chain_id, escrow))
    return canonical_json(
        {
            "payloadType": PAYLOAD_TYPE,
            "payload": base64.b64encode(payload).decode(),
            "signatures": [
                {"keyid": f"eip155:{chain_id}:{signer.address}", "sig": base64.b64encode(signature).decode()}
            ],
        }
    )


def open_manifest(envelope: bytes, account: str, chain_id: int, escrow: str) -> dict[str, Any]:
    """The manifest in an envelope that ``account`` signed.

    Raises:
        IntegrityError: somebody else signed it, or it was altered.
    """
    try:
        if len(envelope) > _LARGEST:
            raise ValueError("too long")
        outer = json.loads(envelope)
        if outer["payloadType"] != PAYLOAD_TYPE:
            raise ValueError("another type")
        payload = base64.b64decode(outer["payload"], validate=True)
        signature = base64.b64decode(outer["signatures"][0]["sig"], validate=True)
        signed_by = recover_typed_data(_typed(payload, chain_id, escrow), signature)
        document = json.loads(payload)
    except (ValueError, KeyError, TypeError, IndexError, InputError) as error:
        raise IntegrityError("the run manifest is malformed") from error
    if signed_by.lower() != account.lower():
        raise IntegrityError(f"the run manifest is signed by {signed_by}, not by the provider")
    if not isinstance(document, dict):
        raise IntegrityError("the run manifest is not an object")
    return document


def digest(envelope: bytes) -> bytes:
    """What the escrow records of an envelope."""
    return hashlib.sha256(envelope).digest()


def as_text(value: Any) -> Any:
    """Fractions as text: canonical JSON has none here."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return {str(key): as_text(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_text(item) for item in value]
    return value


def _typed(payload: bytes, chain_id: int, escrow: str) -> TypedData:
    kind = PAYLOAD_TYPE.encode()
    encoded = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    return {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "RunManifest": [{"name": "pae", "type": "bytes"}],
        },
        "primaryType": "RunManifest",
        "domain": {
            "name": "Sahara RunManifest",
            "version": "1",
            "chainId": chain_id,
            "verifyingContract": escrow,
        },
        "message": {"pae": encoded},
    }

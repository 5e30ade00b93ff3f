"""EIP-712 messages of the vault: delegations, requests, receipts, heads of receipt logs, and grants."""

from __future__ import annotations

import time
from typing import Any

from sahara_lab.errors import InputError
from sahara_lab.signing import LocalSigner, Signer, TypedData
from sahara_lab.vault.values import Session

MAX_SESSION = 1800  # seconds
MAX_REQUEST = 60  # seconds
CLOCK_SKEW = 30  # seconds by which two honest clocks may differ

_DOMAIN = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]

_FIELDS: dict[str, list[tuple[str, str]]] = {
    "Delegation": [("account", "address"), ("session", "address"), ("issued", "uint64"), ("expires", "uint64")],
    "ReleaseRequest": [
        ("server", "uint256"),
        ("account", "address"),
        ("asset", "uint256"),
        ("dataset", "bytes32"),
        ("epoch", "uint64"),
        ("accessClass", "string"),
        ("use", "string"),
        ("index", "uint8"),
        ("threshold", "uint8"),
        ("shares", "uint8"),
        ("sealedShare", "bytes32"),
        ("replyKey", "bytes32"),
        ("nonce", "bytes32"),
        ("expires", "uint64"),
    ],
    "ReleaseReceipt": [
        ("server", "uint256"),
        ("index", "uint64"),
        ("account", "address"),
        ("session", "address"),
        ("asset", "uint256"),
        ("license", "uint256"),
        ("epoch", "uint64"),
        ("accessClass", "string"),
        ("use", "string"),
        ("request", "bytes32"),
        ("blockNumber", "uint256"),
        ("blockHash", "bytes32"),
        ("time", "uint64"),
    ],
    "ReceiptsRequest": [
        ("server", "uint256"),
        ("account", "address"),
        ("asset", "uint256"),
        ("first", "uint64"),
        ("nonce", "bytes32"),
        ("expires", "uint64"),
    ],
    "LogHead": [("server", "uint256"), ("size", "uint64"), ("root", "bytes32"), ("time", "uint64")],
    "Guardianship": [("account", "address"), ("document", "bytes32")],
    "Grant": [
        ("dataset", "bytes32"),
        ("epoch", "uint64"),
        ("node", "bytes16"),
        ("grantee", "address"),
        ("granteeKey", "bytes32"),
        ("notAfter", "uint64"),
        ("sealed", "bytes32"),
    ],
}


def fields_of(kind: str) -> list[tuple[str, str]]:
    """Names and Solidity types of a message's fields, in order."""
    return list(_FIELDS[kind])


def typed(kind: str, message: dict[str, Any], chain_id: int, registry: str) -> TypedData:
    """The full EIP-712 message. Integers may arrive as decimal text and bytes as hex, as they travel in JSON.

    Raises:
        InputError: a field is missing, unknown or of the wrong type.
    """
    fields = _FIELDS[kind]
    if set(message) != {name for name, _ in fields}:
        raise InputError(f"{kind} does not have the fields it must have")
    return {
        "types": {"EIP712Domain": _DOMAIN, kind: [{"name": name, "type": type_} for name, type_ in fields]},
        "primaryType": kind,
        "domain": {"name": "Sahara Vault", "version": "1", "chainId": chain_id, "verifyingContract": registry},
        "message": {name: _value(name, type_, message[name]) for name, type_ in fields},
    }


def _value(name: str, type_: str, value: Any) -> Any:
    if type_.startswith("uint"):
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 78:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << int(type_[4:]):
            raise InputError(f"{name} is not a {type_}")
        return value
    if type_.startswith("bytes"):
        value = bytes_of(value, name) if isinstance(value, str) else value
        if not isinstance(value, bytes) or len(value) != int(type_[5:]):
            raise InputError(f"{name} is not {type_}")
        return value
    if not isinstance(value, str) or len(value) > 100:
        raise InputError(f"{name} is not text")
    if type_ == "address" and len(bytes_of(value, name)) != 20:
        raise InputError(f"{name} is not an address")
    return value


def bytes_of(text: Any, what: str) -> bytes:
    """Bytes from hex, with or without 0x.

    Raises:
        InputError: not hex.
    """
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except (ValueError, AttributeError):
        raise InputError(f"{what} is not hexadecimal") from None


def delegate_session(wallet: Signer, *, chain_id: int, registry: str, lifetime: int = MAX_SESSION) -> Session:
    """Let a fresh session key ask for keys in the wallet's name for at most 30 minutes.

    Raises:
        InputError: a longer lifetime.
    """
    if not 0 < lifetime <= MAX_SESSION:
        raise InputError(f"a session lasts at most {MAX_SESSION // 60} minutes")
    signer = LocalSigner.generate()
    issued = int(time.time())
    message = {
        "account": wallet.address,
        "session": signer.address,
        "issued": issued,
        "expires": issued + lifetime,
    }
    signature = wallet.sign_typed_data(typed("Delegation", message, chain_id, registry))
    return Session(signer, message, signature, issued + lifetime)

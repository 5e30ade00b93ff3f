"""EIP-712 signatures and canonical JSON: the two encodings that more than one floor must agree on."""

from __future__ import annotations

import json
from typing import Any, Protocol, runtime_checkable

from sahara_lab.errors import InputError

TypedData = dict[str, Any]


@runtime_checkable
class Signer(Protocol):
    """Something that can sign EIP-712 typed data for one account."""

    @property
    def address(self) -> str:
        """Checksummed address (ERC-55)."""

    def sign_typed_data(self, typed: TypedData) -> bytes:
        """Sign a full EIP-712 message (types, primaryType, domain, message); 65 bytes, r || s || v."""


class LocalSigner:
    """A secp256k1 key held in memory: session keys and key servers. Wallets of people live in encrypted keystores."""

    def __init__(self, private_key: bytes) -> None:
        from eth_account import Account

        self._account = Account.from_key(private_key)

    @classmethod
    def generate(cls) -> LocalSigner:
        """A signer with a fresh random key."""
        import secrets

        while True:
            candidate = secrets.token_bytes(32)
            try:
                return cls(candidate)
            except ValueError:  # outside the curve's order, about once in 2**128
                continue

    @property
    def address(self) -> str:
        return str(self._account.address)

    def private_bytes(self) -> bytes:
        """The secret itself, for the one place that stores it encrypted or hands it to a worker."""
        return bytes(self._account.key)

    def sign_typed_data(self, typed: TypedData) -> bytes:
        return bytes(self._account.sign_typed_data(full_message=typed).signature)

    def __repr__(self) -> str:
        return f"LocalSigner({self.address})"


def recover_typed_data(typed: TypedData, signature: bytes) -> str:
    """The checksummed address that signed ``typed`` (EIP-712).

    Raises:
        InputError: the message or the signature is malformed.
    """
    from eth_account import Account
    from eth_account.messages import encode_typed_data

    try:
        return str(Account.recover_message(encode_typed_data(full_message=typed), signature=signature))
    except Exception as error:  # the library raises a different class for each way of being malformed
        raise InputError("the signature is malformed") from error


def canonical_json(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value made of text, integers, booleans, null, lists and objects.

    Floats are refused: their canonical form is the one part of the RFC that is easy to get wrong,
    and no protocol here needs them.

    Raises:
        InputError: a float, an integer beyond 2**53 - 1, or a type JSON does not have.
    """
    _require_canonical(value)
    return json.dumps(
        _sorted_by_utf16(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=False
    ).encode("utf-8")


def _require_canonical(value: Any) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise InputError(f"object key {key!r} is not text")
            _require_canonical(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _require_canonical(item)
    elif isinstance(value, bool | str) or value is None:
        return
    elif isinstance(value, int):
        if abs(value) > 2**53 - 1:
            raise InputError("an integer beyond 2**53 - 1 must be written as text")
    else:
        raise InputError(f"{type(value).__name__} has no canonical JSON form here")


def _sorted_by_utf16(value: Any) -> Any:
    if isinstance(value, dict):
        ordered = sorted(value.items(), key=lambda item: item[0].encode("utf-16-be", "surrogatepass"))
        return {key: _sorted_by_utf16(item) for key, item in ordered}
    if isinstance(value, list | tuple):
        return [_sorted_by_utf16(item) for item in value]
    return value

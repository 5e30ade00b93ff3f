"""How a call is paid: vouchers of a prepaid channel in the headers of x402 v2 (docs/spec/serving.md).

The digest of a voucher is put together by hand, and the signer found with libsecp256k1: a gateway does it each call.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from sahara_lab.errors import InputError
from sahara_lab.rental.vouchers import CallVoucher

SCHEME = "sahara-channel"
REQUIRED, SIGNATURE, RESPONSE = "PAYMENT-REQUIRED", "PAYMENT-SIGNATURE", "PAYMENT-RESPONSE"
REQUEST_ID = "Idempotency-Key"
MOST_HEADER = 8192


def encoded(document: dict[str, Any]) -> str:
    """A header's value: JSON in base64."""
    return base64.b64encode(json.dumps(document, separators=(",", ":")).encode()).decode()


def decoded(text: str) -> dict[str, Any]:
    """Read what :func:`encoded` wrote.

    Raises:
        InputError: it is not base64 of a JSON object, or too long.
    """
    try:
        found = json.loads(base64.b64decode(text[:MOST_HEADER], validate=True))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InputError("a payment header is a JSON object in base64")
    return found


def terms(url: str, *, price: int, chain_id: int, token: str, contract: str, asset: int) -> dict[str, Any]:
    """What a call costs and where it goes, as an x402 v2 ``PAYMENT-REQUIRED`` document. ``price`` in wei."""
    return {
        "x402Version": 2,
        "error": "payment required",
        "resource": {"url": url, "mimeType": "application/json"},
        "accepts": [
            {
                "scheme": SCHEME,
                "network": f"eip155:{chain_id}",
                "amount": str(price),
                "asset": token,
                "payTo": contract,
                "maxTimeoutSeconds": 60,
                "extra": {"royaltyAsset": str(asset)},
            }
        ],
    }


def payment(voucher: CallVoucher) -> str:
    """The value of ``PAYMENT-SIGNATURE``."""
    return encoded({"x402Version": 2, "accepted": {"scheme": SCHEME}, "payload": voucher.to_json()})


def voucher_of(header: str) -> CallVoucher:
    """The voucher in a ``PAYMENT-SIGNATURE``.

    Raises:
        InputError: it is malformed, or of another scheme.
    """
    document = decoded(header)
    accepted, payload = document.get("accepted"), document.get("payload")
    if not isinstance(accepted, dict) or accepted.get("scheme") != SCHEME or not isinstance(payload, dict):
        raise InputError(f"calls are paid by the scheme {SCHEME}")
    return CallVoucher.from_json(payload)


class Digests:
    """EIP-712 digests and signers of the vouchers of one contract on one chain."""

    def __init__(self, chain_id: int, contract: str) -> None:
        domain = keccak(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
        address = bytes.fromhex(contract.removeprefix("0x"))
        self._domain = keccak(
            domain + keccak(b"Sahara CallChannel") + keccak(b"1") + _word(chain_id) + address.rjust(32, b"\0")
        )
        self._type = keccak(b"CallVoucher(bytes32 channelId,uint256 amount)")

    def digest(self, channel_id: str, amount: int) -> bytes:
        """What the payer signs: ``amount`` wei in all on a channel."""
        message = keccak(self._type + bytes.fromhex(channel_id) + _word(amount))
        return keccak(b"\x19\x01" + self._domain + message)

    def signer(self, voucher: CallVoucher) -> str:
        """The address that signed a voucher, in lower case.

        Raises:
            InputError: the signature is none of an account's.
        """
        from coincurve import PublicKey

        signature = bytes.fromhex(voucher.signature)
        if len(signature) != 65 or signature[64] not in (27, 28):
            raise InputError("a voucher is signed by an account: 65 bytes that end with 27 or 28")
        compact = signature[:64] + bytes([signature[64] - 27])
        try:
            key = PublicKey.from_signature_and_message(compact, self.digest(voucher.channel_id, voucher.amount), None)
        except Exception as error:  # libsecp256k1's own, of several classes
            raise InputError("the voucher's signature is malformed") from error
        return "0x" + keccak(key.format(compressed=False)[1:])[12:].hex()


def keccak(data: bytes) -> bytes:
    from eth_utils import keccak as hashed

    return bytes(hashed(data))


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")

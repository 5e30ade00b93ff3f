"""Transactions as bytes (EIP-1559, EIP-2718), and what a node means when it refuses one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coincurve import PrivateKey

_KNOWN = re.compile(r"already (known|imported|in|exists)|known transaction", re.IGNORECASE)
_OLD = re.compile(r"nonce (is )?(too low|already used)|nonce too old", re.IGNORECASE)
_OCCUPIED = re.compile(r"replacement transaction underpriced|replacement fee too low", re.IGNORECASE)
_CHEAP = re.compile(r"underpriced|less than block base fee|fee too low|gas price (below|too low)", re.IGNORECASE)
_FULL = re.compile(r"pool is full|queue is full|too many|limit exceeded|rate limit|timeout|try again", re.IGNORECASE)


def refusal(message: str) -> str:
    """What a node's refusal is about, across the words of different nodes.

    ``known``: it has the transaction. ``old``: the account's nonce is used. ``occupied``: another transaction with the
    nonce is waiting and pays as much. ``cheap``: the fee is too low. ``full``: it takes no more for now. ``final``: it
    will never take this one.
    """
    kinds = (("known", _KNOWN), ("old", _OLD), ("occupied", _OCCUPIED), ("cheap", _CHEAP), ("full", _FULL))
    return next((kind for kind, words in kinds if words.search(message)), "final")


def sign(key: PrivateKey, transaction: dict[str, Any]) -> tuple[bytes, str]:
    """A transaction of type 2 without access list, signed: its bytes and its hash."""
    from eth_hash.auto import keccak

    body = b"".join(
        [
            _rlp(_bytes(transaction["chainId"])),
            _rlp(_bytes(transaction["nonce"])),
            _rlp(_bytes(transaction["maxPriorityFeePerGas"])),
            _rlp(_bytes(transaction["maxFeePerGas"])),
            _rlp(_bytes(transaction["gas"])),
            _rlp(bytes.fromhex(transaction["to"][2:])),
            _rlp(_bytes(transaction["value"])),
            _rlp(bytes.fromhex(transaction["data"][2:])),
            _rlp_list(b""),  # no access list
        ]
    )
    signature = key.sign_recoverable(keccak(b"\x02" + _rlp_list(body)), hasher=None)
    parity, r, s = signature[64:].lstrip(b"\0"), signature[:32].lstrip(b"\0"), signature[32:64].lstrip(b"\0")
    raw = b"\x02" + _rlp_list(body + _rlp(parity) + _rlp(r) + _rlp(s))
    return raw, "0x" + keccak(raw).hex()


def read(raw: str) -> dict[str, Any]:
    """The fields of a signed transaction of type 2, given as hex, as :func:`sign` takes them."""
    import rlp

    fields = rlp.decode(bytes.fromhex(raw[4:]))
    chain_id, nonce, tip, most, gas = (int.from_bytes(field, "big") for field in fields[:5])
    return {
        "chainId": chain_id,
        "nonce": nonce,
        "maxPriorityFeePerGas": tip,
        "maxFeePerGas": most,
        "gas": gas,
        "to": "0x" + fields[5].hex(),
        "value": int.from_bytes(fields[6], "big"),
        "data": "0x" + fields[7].hex(),
    }


# Recursive Length Prefix (Yellow Paper, appendix B). The general library takes longer over it than the signature.


def _bytes(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _rlp(text: bytes) -> bytes:
    return text if len(text) == 1 and text[0] < 0x80 else _prefix(0x80, len(text)) + text


def _rlp_list(items: bytes) -> bytes:
    return _prefix(0xC0, len(items)) + items


def _prefix(kind: int, length: int) -> bytes:
    if length < 56:
        return bytes([kind + length])
    size = _bytes(length)
    return bytes([kind + 55 + len(size)]) + size

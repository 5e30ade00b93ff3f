"""Writes vault.json. Everything in it follows from fixed inputs, except seals, which are random and only opened."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from eth_account.messages import encode_typed_data

from sahara_lab.signing import LocalSigner
from sahara_lab.vault import cobblestone, merkle, recovery, sealing, shamir, wrapping
from sahara_lab.vault.manifest import (
    FIRST_LEAF,
    LEAF,
    Manifest,
    NodeEntry,
    ObjectEntry,
    Release,
    SealedShare,
    vault_root,
)
from sahara_lab.vault.nodes import Grant
from sahara_lab.vault.typed import typed

CHAIN, REGISTRY, CREATOR = 31337, "0x" + "ab" * 20, "0x" + "cd" * 20
DATASET, IDENTIFIER = bytes(range(32)), bytes(range(100, 116))
SIZES = (0, 1, 16_383, 16_384, 16_385, 65_536, 70_000)


def pattern(size: int) -> bytes:
    """Plaintext of the vectors: byte number i is (7 i + 3) mod 256."""
    return bytes((7 * at + 3) % 256 for at in range(size))


def seal(key: bytes, context: bytes, salt: bytes, plain: bytes) -> bytes:
    """Cobblestone-256 with a given salt, from the specification alone."""
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + context
    material = HKDFExpand(SHA512(), 76, info).derive(key)
    aead, base = AESGCM(material[:32]), int.from_bytes(material[32:44], "big")
    chunks = [plain[at : at + 16_384] for at in range(0, len(plain) + 1, 16_384)]
    sealed = [aead.encrypt((base ^ number).to_bytes(12, "big"), chunk, None) for number, chunk in enumerate(chunks)]
    return salt + material[44:] + b"".join(sealed)


def objects() -> list[dict[str, Any]]:
    found = []
    for number, size in enumerate(SIZES):
        key, salt = bytes([number]) * 32, bytes([255 - number]) * 24
        sealed = seal(key, cobblestone.object_context(DATASET, IDENTIFIER), salt, pattern(size))
        hasher = merkle.LeafHasher(FIRST_LEAF, LEAF)
        hasher.update(memoryview(sealed))
        found.append(
            {
                "size": size,
                "key": key.hex(),
                "dataset": DATASET.hex(),
                "object": IDENTIFIER.hex(),
                "salt": salt.hex(),
                "commitment": sealed[24:56].hex(),
                "sealed_size": len(sealed),
                "sealed_sha256": hashlib.sha256(sealed).hexdigest(),
                "object_root": merkle.root_of(hasher.finish()).hex(),
                **({"sealed": sealed.hex()} if size < 100 else {}),
            }
        )
    return found


def trees() -> list[dict[str, Any]]:
    found = []
    for count in (0, 1, 2, 3, 5, 8, 13):
        tree = merkle.MerkleTree(merkle.leaf_hash(bytes([number])) for number in range(count))
        proofs = [[step.hex() for step in tree.proof(index)] for index in range(count)]
        found.append(
            {
                "leaves": [f"{number:02x}" for number in range(count)],
                "root": tree.root().hex(),
                "proofs": proofs,
                "consistency": [[step.hex() for step in tree.consistency(first)] for first in range(count + 1)],
            }
        )
    return found


def shares() -> dict[str, Any]:
    secret, slope, curve = pattern(32), bytes(range(32)), bytes(range(200, 232))
    split = {x: shamir._evaluate([secret, slope, curve], x).hex() for x in range(1, 6)}
    return {"threshold": 3, "secret": secret.hex(), "coefficients": [slope.hex(), curve.hex()], "shares": split}


def release(scope: dict[str, Any]) -> dict[str, Any]:
    key, node_key = bytes([9]) * 32, bytes([8]) * 32
    material = wrapping._derive(key, wrapping._WRAP, scope, "read", 44)
    part = Grant("samples/a.csv", IDENTIFIER, node_key, 70_000, 1_800_000_000)
    return {
        "scope": scope,
        "class": "read",
        "release_key": key.hex(),
        "node_key": node_key.hex(),
        "commitment": wrapping.commitment(key, scope, "read").hex(),
        "wrapped": AESGCM(material[:32]).encrypt(material[32:], node_key, None).hex(),
        "wrapped_file": AESGCM(material[:32]).encrypt(material[32:], wrapping._wrapped_form(part), None).hex(),
        "share": key.hex(),
        "share_index": 1,
        "share_digest": wrapping.share_digest(1, key).hex(),
        "share_info_2_of_3": wrapping.share_info(scope, "read", 1, 2, 3).hex(),
    }


def messages() -> dict[str, Any]:
    signer = LocalSigner(bytes([1]) * 32)
    word, half = "11" * 32, "22" * 16
    given: dict[str, dict[str, Any]] = {
        "Delegation": {
            "account": signer.address,
            "session": CREATOR,
            "issued": 1_800_000_000,
            "expires": 1_800_001_800,
        },
        "ReleaseRequest": {
            "server": 1,
            "account": signer.address,
            "asset": "12",
            "dataset": word,
            "epoch": 1,
            "accessClass": "read",
            "use": "training",
            "index": 1,
            "threshold": 2,
            "shares": 3,
            "sealedShare": word,
            "replyKey": word,
            "nonce": word,
            "expires": 1_800_000_060,
        },
        "ReleaseReceipt": {
            "server": 1,
            "index": 0,
            "account": signer.address,
            "session": CREATOR,
            "asset": "12",
            "license": "5",
            "epoch": 1,
            "accessClass": "read",
            "use": "training",
            "request": word,
            "blockNumber": 7,
            "blockHash": word,
            "time": 1_800_000_001,
        },
        "ReceiptsRequest": {
            "server": 1,
            "account": signer.address,
            "asset": "12",
            "first": 0,
            "nonce": word,
            "expires": 1_800_000_060,
        },
        "LogHead": {"server": 1, "size": 3, "root": word, "time": 1_800_000_002},
        "Guardianship": {"account": signer.address, "document": word},
        "Grant": {
            "dataset": word,
            "epoch": 1,
            "node": half,
            "grantee": CREATOR,
            "granteeKey": word,
            "notAfter": 0,
            "sealed": word,
        },
    }
    found: dict[str, Any] = {
        "private_key": "01" * 32,
        "address": signer.address,
        "chain_id": CHAIN,
        "registry": REGISTRY,
    }
    for kind, message in given.items():
        data = typed(kind, message, CHAIN, REGISTRY)
        signable = encode_typed_data(full_message=data)
        found[kind] = {
            "message": message,
            "domain_separator": signable.header.hex(),
            "struct_hash": signable.body.hex(),
            "signature": signer.sign_typed_data(data).hex(),
        }
    return found


def manifest() -> dict[str, Any]:
    entries = [ObjectEntry(bytes([n]) * 16, cobblestone.sealed_size(n), bytes([n]) * 32) for n in (3, 1, 2)]
    example = Manifest(
        chain_id=CHAIN,
        registry=REGISTRY,
        creator=CREATOR,
        name="digits",
        dataset=DATASET,
        epoch=1,
        previous=None,
        root=vault_root(entries),
        root_node=bytes([7]) * 16,
        objects={entry.id: entry for entry in entries},
        nodes={bytes([7]) * 16: NodeEntry(bytes([7]) * 16, 200, bytes([6]) * 32)},
        release=(
            Release(
                "read",
                bytes([7]) * 16,
                1,
                bytes([5]) * 32,
                bytes([4]) * 48,
                (SealedShare(1, 1, "http://127.0.0.1:8000", bytes([2]) * 8, bytes([3]) * 32),),
            ),
        ),
    )
    encoded = example.encode()
    return {"text": encoded.decode(), "sha256": hashlib.sha256(encoded).hexdigest(), "root": example.root.hex()}


def guardians() -> dict[str, Any]:
    """A document of guardians, opened by two of three; its seals are random."""
    owner, seed = LocalSigner(bytes([1]) * 32), bytes([42]) * 32
    people = [(LocalSigner(bytes([n]) * 32).address, bytes([n]) * 32) for n in (2, 3, 4)]
    known = [(address, sealing.public_bytes(key)) for address, key in people]
    made = recovery.appoint(owner, seed, known, 2, chain_id=CHAIN, registry=REGISTRY)
    asking = recovery.Asking(made.digest, bytes([9]) * 32)
    request = asking.request()
    return {
        "seed": seed.hex(),
        "guardians": [{"address": address, "seed": key.hex()} for address, key in people],
        "document": made.encode().decode(),
        "digest": made.digest.hex(),
        "asking_seed": asking.seed.hex(),
        "request": request.decode(),
        "fingerprint": recovery.fingerprint(request),
        "answers": [recovery.help_recover(made, request, address, key).decode() for address, key in people[:2]],
    }


def seals() -> dict[str, Any]:
    seed = bytes([42]) * 32
    public = sealing.public_bytes(seed)
    sealed = sealing.seal_to(public, b"purpose", b"a small secret")
    return {
        "seed": seed.hex(),
        "public_key": public.hex(),
        "info": b"purpose".hex(),
        "secret": b"a small secret".hex(),
        "sealed": sealed.hex(),
    }


def main() -> None:
    scope = {
        "chain_id": CHAIN,
        "registry": REGISTRY,
        "creator": CREATOR,
        "name": "digits",
        "dataset": DATASET.hex(),
        "epoch": 1,
    }
    vectors = {
        "about": "Test vectors of docs/spec/vault.md. Plaintext byte i of an object is (7 i + 3) mod 256.",
        "objects": objects(),
        "merkle": trees(),
        "shamir": shares(),
        "release": release(scope),
        "messages": messages(),
        "manifest": manifest(),
        "hpke": seals(),
        "guardians": guardians(),
    }
    Path(__file__).with_name("vault.json").write_text(json.dumps(vectors, indent=1) + "\n")


if __name__ == "__main__":
    main()

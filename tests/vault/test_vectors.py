"""The published vectors: what another implementation must compute, this one computes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.cobblestone import Cobblestone256Decryptor
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from eth_account.messages import encode_typed_data

from sahara_lab.errors import IntegrityError
from sahara_lab.signing import LocalSigner, recover_typed_data
from sahara_lab.vault import merkle, recovery, sealing, shamir, wrapping
from sahara_lab.vault.cobblestone import ChunkCipher, object_context, sealed_size
from sahara_lab.vault.manifest import FIRST_LEAF, LEAF, Release, parse_manifest
from sahara_lab.vault.typed import typed

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "vault.json").read_text())
unhex = bytes.fromhex


def pattern(size: int) -> bytes:
    return bytes((7 * at + 3) % 256 for at in range(size))


def seal(key: bytes, context: bytes, salt: bytes, plain: bytes) -> bytes:
    """Cobblestone-256 from its specification, with a given salt."""
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + context
    material = HKDFExpand(SHA512(), 76, info).derive(key)
    aead, base = AESGCM(material[:32]), int.from_bytes(material[32:44], "big")
    chunks = [plain[at : at + 16_384] for at in range(0, len(plain) + 1, 16_384)]
    sealed = [aead.encrypt((base ^ number).to_bytes(12, "big"), chunk, None) for number, chunk in enumerate(chunks)]
    return salt + material[44:] + b"".join(sealed)


@pytest.mark.parametrize("vector", VECTORS["objects"], ids=lambda vector: str(vector["size"]))
def test_objects(vector: dict[str, Any]) -> None:
    context = object_context(unhex(vector["dataset"]), unhex(vector["object"]))
    header = unhex(vector["salt"]) + unhex(vector["commitment"])
    ChunkCipher(unhex(vector["key"]), context, header)
    with pytest.raises(IntegrityError):
        ChunkCipher(unhex(vector["key"]), context + b"x", header)
    sealed = seal(unhex(vector["key"]), context, unhex(vector["salt"]), pattern(vector["size"]))
    assert sealed[:56] == header
    assert len(sealed) == sealed_size(vector["size"]) == vector["sealed_size"]
    assert hashlib.sha256(sealed).hexdigest() == vector["sealed_sha256"]
    assert sealed.hex() == vector.get("sealed", sealed.hex())
    decryptor = Cobblestone256Decryptor(unhex(vector["key"]), context)
    assert decryptor.update(sealed) + decryptor.finalize() == pattern(vector["size"])
    hasher = merkle.LeafHasher(FIRST_LEAF, LEAF)
    hasher.update(memoryview(sealed))
    assert merkle.root_of(hasher.finish()).hex() == vector["object_root"]


@pytest.mark.parametrize("vector", VECTORS["merkle"], ids=lambda vector: str(len(vector["leaves"])))
def test_trees(vector: dict[str, Any]) -> None:
    leaves = [merkle.leaf_hash(unhex(leaf)) for leaf in vector["leaves"]]
    assert merkle.root_of(leaves).hex() == vector["root"]
    for index, proof in enumerate(vector["proofs"]):
        path = [unhex(step) for step in proof]
        assert merkle.verify_proof(leaves[index], index, len(leaves), path, unhex(vector["root"]))


def test_shares() -> None:
    vector = VECTORS["shamir"]
    shares = {int(x): unhex(share) for x, share in vector["shares"].items()}
    for chosen in ((1, 2, 3), (5, 1, 4), (2, 3, 4, 5)):
        assert shamir.join({x: shares[x] for x in chosen}).hex() == vector["secret"]


def test_release_keys() -> None:
    v = VECTORS["release"]
    release = Release(v["class"], b"", 1, unhex(v["commitment"]), unhex(v["wrapped"]), ())
    assert wrapping.open_release(v["scope"], release, {1: unhex(v["share"])}).key.hex() == v["node_key"]
    part = replace(release, wrapped=unhex(v["wrapped_file"]))
    opened = wrapping.open_release(v["scope"], part, {1: unhex(v["share"])})
    assert (opened.path, opened.size, opened.key.hex()) == ("samples/a.csv", 70_000, v["node_key"])
    assert wrapping.share_digest(v["share_index"], unhex(v["share"])).hex() == v["share_digest"]
    assert wrapping.share_info(v["scope"], v["class"], 1, 2, 3).hex() == v["share_info_2_of_3"]
    with pytest.raises(IntegrityError, match="committed"):
        wrapping.open_release({**v["scope"], "epoch": 2}, release, {1: unhex(v["share"])})


@pytest.mark.parametrize("kind", [kind for kind in VECTORS["messages"] if kind[0].isupper()])
def test_messages(kind: str) -> None:
    given = VECTORS["messages"]
    data = typed(kind, given[kind]["message"], given["chain_id"], given["registry"])
    signable = encode_typed_data(full_message=data)
    assert (signable.header.hex(), signable.body.hex()) == (given[kind]["domain_separator"], given[kind]["struct_hash"])
    assert LocalSigner(unhex(given["private_key"])).sign_typed_data(data).hex() == given[kind]["signature"]
    assert recover_typed_data(data, unhex(given[kind]["signature"])) == given["address"]


def test_manifest() -> None:
    vector = VECTORS["manifest"]
    manifest = parse_manifest(vector["text"].encode())
    assert manifest.encode().decode() == vector["text"]
    assert hashlib.sha256(vector["text"].encode()).hexdigest() == vector["sha256"]
    assert manifest.root.hex() == vector["root"]


def test_seals() -> None:
    vector = VECTORS["hpke"]
    assert sealing.public_bytes(unhex(vector["seed"])).hex() == vector["public_key"]
    opened = sealing.open_sealed(unhex(vector["seed"]), unhex(vector["info"]), unhex(vector["sealed"]))
    assert opened.hex() == vector["secret"]


def test_guardians() -> None:
    v = VECTORS["guardians"]
    guardianship = recovery.Guardianship.decode(v["document"].encode())
    assert guardianship.digest.hex() == v["digest"]
    asking = recovery.Asking(guardianship.digest, unhex(v["asking_seed"]))
    assert asking.request().decode() == v["request"]
    assert recovery.fingerprint(asking.request()) == v["fingerprint"]
    found = recovery.recover(guardianship, asking, [answer.encode() for answer in v["answers"]])
    assert (found.seed.hex(), found.liars) == (v["seed"], ())
    for person in v["guardians"]:
        recovery.help_recover(guardianship, asking.request(), person["address"], unhex(person["seed"]))


def test_consistency_proofs() -> None:
    for given in VECTORS["merkle"]:
        tree = merkle.MerkleTree(merkle.leaf_hash(unhex(leaf)) for leaf in given["leaves"])
        for first, path in enumerate(given["consistency"]):
            proof = [unhex(step) for step in path]
            assert tree.consistency(first) == proof
            assert merkle.verify_consistency(first, len(tree), tree.root(first), unhex(given["root"]), proof)

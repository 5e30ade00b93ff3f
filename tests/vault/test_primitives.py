"""Shares, trees and seals: the small mathematics, by properties and against independent formulas."""

from __future__ import annotations

import hashlib
import itertools
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sahara_lab.errors import InputError, IntegrityError
from sahara_lab.vault import shamir
from sahara_lab.vault.merkle import EMPTY_ROOT, MerkleTree, leaf_hash, root_of, verify_proof
from sahara_lab.vault.sealing import new_seed, open_sealed, public_bytes, seal_to

# -- Shamir -----------------------------------------------------------------------------------------------------------


@given(secret=st.binary(min_size=1, max_size=40), data=st.data())
@settings(deadline=None)
def test_any_threshold_of_shares_rebuilds_the_secret(secret: bytes, data: st.DataObject) -> None:
    shares = data.draw(st.integers(1, 8))
    threshold = data.draw(st.integers(1, shares))
    split = shamir.split(secret, threshold, shares)
    chosen = data.draw(st.permutations(sorted(split)))[: data.draw(st.integers(threshold, shares))]
    assert shamir.join({x: split[x] for x in chosen}) == secret


def slow_multiply(a: int, b: int) -> int:
    """GF(256) by the definition: carry-less product, reduced by 0x11B."""
    product = 0
    for bit in range(8):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(14, 7, -1):
        if product >> bit & 1:
            product ^= 0x11B << (bit - 8)
    return product


def test_multiplication_is_that_of_the_field() -> None:
    assert all(
        shamir._multiply(a, b) == slow_multiply(a, b) for a, b in itertools.product(range(0, 256, 7), range(256))
    )


def test_one_share_fewer_says_nothing() -> None:
    """With t - 1 shares every secret is possible, equally often: over all top coefficients each value comes up once."""
    for secret in (0, 1, 255):
        values = {secret ^ slow_multiply(coefficient, 3) for coefficient in range(256)}
        assert len(values) == 256


def test_coefficients_are_uniform_and_zero_is_among_them() -> None:
    shares = shamir.split(bytes(40_000), 2, 1 + 1)
    counts = [shares[1].count(value) for value in range(256)]
    assert min(counts) > 80
    assert max(counts) < 250


@pytest.mark.parametrize(("threshold", "shares"), [(0, 3), (4, 3), (1, 256), (1, 0)])
def test_senseless_thresholds_are_refused(threshold: int, shares: int) -> None:
    with pytest.raises(InputError, match="threshold"):
        shamir.split(b"x", threshold, shares)


@pytest.mark.parametrize("shares", [{}, {0: b"x", 1: b"y"}, {256: b"x"}, {1: b"x", 2: b"xy"}])
def test_what_is_not_a_set_of_shares_is_refused(shares: dict[int, bytes]) -> None:
    with pytest.raises(InputError):
        shamir.join(shares)


def test_a_wrong_share_gives_a_wrong_secret() -> None:
    split = shamir.split(b"secret", 2, 3)
    assert shamir.join({1: split[1], 2: bytes(6)}) != b"secret"
    assert shamir.join({1: split[1]}) != b"secret"


# -- Merkle trees -----------------------------------------------------------------------------------------------------


def reference_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, as it is written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + reference_root(leaves[:k]) + reference_root(leaves[k:])).digest()


@pytest.mark.parametrize("count", [*range(20), 64, 65, 100])
def test_roots_are_those_of_rfc_6962(count: int) -> None:
    data = [os.urandom(5) for _ in range(count)]
    tree = MerkleTree(leaf_hash(one) for one in data)
    assert tree.root() == reference_root(data)
    assert all(tree.root(size) == reference_root(data[:size]) for size in range(count + 1))


@given(count=st.integers(1, 70), data=st.data())
@settings(deadline=None)
def test_proofs_hold_for_their_leaf_and_no_other(count: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(number.to_bytes(2, "big")) for number in range(count)]
    tree = MerkleTree(leaves)
    size = data.draw(st.integers(1, count))
    index = data.draw(st.integers(0, size - 1))
    path, root = tree.proof(index, size), tree.root(size)
    assert verify_proof(leaves[index], index, size, path, root)
    assert not verify_proof(leaf_hash(b"other"), index, size, path, root)
    assert not verify_proof(leaves[index], index, size, [*path, bytes(32)], root)
    if path:
        assert not verify_proof(leaves[index], index, size, path[:-1], root)
    if index + 1 < size:
        assert not verify_proof(leaves[index], index + 1, size, path, root)


def test_an_odd_leaf_is_not_counted_twice() -> None:
    """Duplicating the last leaf must change the root (CVE-2012-2459)."""
    leaves = [leaf_hash(bytes([n])) for n in range(3)]
    assert root_of(leaves) != root_of([*leaves, leaves[-1]])
    assert root_of([]) == EMPTY_ROOT


# -- seals ------------------------------------------------------------------------------------------------------------


def test_a_seal_opens_for_its_key_and_purpose_only() -> None:
    seed, other = new_seed(), new_seed()
    sealed = seal_to(public_bytes(seed), b"purpose", b"secret")
    assert open_sealed(seed, b"purpose", sealed) == b"secret"
    for key, info, data in (
        (other, b"purpose", sealed),
        (seed, b"another", sealed),
        (seed, b"purpose", sealed[:-1]),
        (seed, b"purpose", b""),
    ):
        with pytest.raises(IntegrityError):
            open_sealed(key, info, data)


@pytest.mark.parametrize("public", [b"", bytes(1215), b"\xff" * 1216])
def test_a_malformed_public_key_is_refused(public: bytes) -> None:
    with pytest.raises(InputError, match="public key"):
        seal_to(public, b"", b"secret")

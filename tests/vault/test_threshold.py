"""Shares of a key: how few are too few, and what wrong ones do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sahara_lab.errors import InputError, IntegrityError
from sahara_lab.vault import KeyServer, ReleaseClass, new_seed, public_bytes, shamir, wrapping
from sahara_lab.vault.manifest import scope
from sahara_lab.vault.nodes import Grant
from sahara_lab.vault.sealing import open_sealed, seal_to

World = Any  # the fixture of conftest.py
SCOPE = scope(31337, "0x" + "ab" * 20, "0x" + "cd" * 20, "digits", bytes(32), 1)
SEEDS = [new_seed() for _ in range(5)]
GRANT = Grant("", bytes(16), bytes(range(32)))


def released(threshold: int = 3, bound: dict[str, Any] = SCOPE) -> tuple[Any, dict[int, bytes]]:
    """A release to five servers, and the share that each of them opens."""
    servers = [KeyServer(number, public_bytes(seed)) for number, seed in enumerate(SEEDS, 1)]
    made = wrapping.make_release(bound, ReleaseClass("read", servers, threshold), GRANT)
    shares = {
        one.index: open_sealed(
            SEEDS[one.index - 1], wrapping.share_info(bound, "read", one.index, threshold, 5), one.sealed
        )
        for one in made.shares
    }
    return made, shares


@given(
    secret=st.binary(min_size=1, max_size=64),
    numbers=st.integers(1, 8).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n))),
    data=st.data(),
)
def test_any_threshold_of_shares_rebuilds_a_secret(secret: bytes, numbers: tuple[int, int], data: Any) -> None:
    threshold, count = numbers
    shares = shamir.split(secret, threshold, count)
    chosen = data.draw(st.permutations(sorted(shares)))[: data.draw(st.integers(threshold, count))]
    assert shamir.join({x: shares[x] for x in chosen}) == secret


@given(secret=st.binary(min_size=16, max_size=16), other=st.binary(min_size=16, max_size=16))
def test_one_share_too_few_fits_every_secret(secret: bytes, other: bytes) -> None:
    """For any other secret there is a last share that makes the ones at hand rebuild it: they say nothing."""
    shares = shamir.split(secret, 3, 3)
    # join is linear in each share: the weight of share 3 shows when only it is not zero.
    weight = shamir.join({1: bytes(16), 2: bytes(16), 3: bytes([1]) * 16})
    wanted = bytes(a ^ b for a, b in zip(shamir.join({**shares, 3: bytes(16)}), other, strict=True))
    last = bytes(shamir._divide(byte, w) for byte, w in zip(wanted, weight, strict=True))
    assert shamir.join({1: shares[1], 2: shares[2], 3: last}) == other


def test_top_coefficients_are_zero_as_often_as_anything_else() -> None:
    """A share of a 2-of-2 split equals the secret where the slope is zero: about one byte in 256."""
    secret = bytes(65_536)
    same = sum(byte == 0 for byte in shamir.split(secret, 2, 2)[1])
    assert 150 < same < 380


@pytest.mark.parametrize("wrong", [{0: bytes(32)}, {256: bytes(32)}, {-1: bytes(32)}, {}, {1: b"a", 2: b"bc"}])
def test_shares_that_cannot_be_are_refused(wrong: dict[int, bytes]) -> None:
    with pytest.raises(InputError):
        shamir.join(wrong)


@pytest.mark.parametrize("threshold", [0, 4, -1])
def test_thresholds_that_cannot_be_are_refused(threshold: int) -> None:
    with pytest.raises(InputError):
        shamir.split(b"secret", threshold, 3)


def test_too_few_shares_do_not_join_to_the_key() -> None:
    made, shares = released()
    assert wrapping.open_release(SCOPE, made, {x: shares[x] for x in (1, 3, 5)}) == GRANT
    for few in ((1,), (1, 2), (4, 5)):
        with pytest.raises(IntegrityError, match="committed"):
            wrapping.open_release(SCOPE, made, {x: shares[x] for x in few})


def test_one_share_under_two_numbers_zeros_and_shares_of_another_epoch_do_not_join() -> None:
    made, shares = released()
    _, later = released(bound={**SCOPE, "epoch": 2})
    for wrong in (
        {1: shares[1], 2: shares[1], 3: shares[1]},
        {1: shares[1], 2: shares[2], 3: shares[2]},
        {1: shares[1], 2: shares[2], 3: bytes(32)},
        {1: shares[1], 2: shares[2], 3: later[3]},
        later,
    ):
        with pytest.raises(IntegrityError, match="committed"):
            wrapping.open_release(SCOPE, made, wrong)


def test_each_share_has_a_digest_that_no_other_share_or_number_has() -> None:
    made, shares = released()
    digests = {wrapping.share_digest(number, share) for number in range(1, 6) for share in shares.values()}
    assert len(digests) == 25
    assert all(wrapping.share_digest(one.index, shares[one.index]) == one.digest for one in made.shares)


# -- an owner who publishes wrong shares ------------------------------------------------------------------------------


def spoiled(world: World, ref: Any, *numbers: int) -> Any:
    """A vault of Bob's whose manifest has other shares, of matching digests, at some servers."""
    vault = world.licensed(ref)
    manifest = vault.manifest
    release = manifest.release[0]
    shares = list(release.shares)
    for number in numbers:
        wrong = bytes([number]) * 32
        info = wrapping.share_info(manifest.scope(), release.name, number, release.threshold, len(shares))
        key = public_bytes(world.servers[number - 1].seed)
        digest = wrapping.share_digest(number, wrong)
        shares[number - 1] = replace(shares[number - 1], sealed=seal_to(key, info, wrong), digest=digest)
    vault.manifest = replace(manifest, release=(replace(release, shares=tuple(shares)),))
    return vault


def test_one_wrong_share_of_the_owners_is_found_out_and_the_others_serve(world: World) -> None:
    ref = world.publish({"a": b"content"})
    for number in (1, 2, 3):
        world.bob.end_session()
        assert spoiled(world, ref, number).read("a") == b"content"


def test_an_owner_whose_shares_are_of_no_one_key_is_named(world: World) -> None:
    ref = world.publish({"a": b"content"})
    with pytest.raises(IntegrityError, match="its owner published shares of no one key"):
        spoiled(world, ref, 1, 2).read("a")

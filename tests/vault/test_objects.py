"""The object format: bit-exact with ``cryptography.cobblestone``, read anywhere, and nothing but what was written."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sahara_lab.errors import InputError, IntegrityError
from sahara_lab.vault.cobblestone import CHUNK, HEADER_SIZE, SEALED_CHUNK, ChunkCipher, sealed_size
from sahara_lab.vault.manifest import ObjectEntry
from sahara_lab.vault.merkle import root_of
from sahara_lab.vault.reader import ObjectReader
from sahara_lab.vault.storage import Storage
from sahara_lab.vault.writer import encrypt_stream

EDGES = [0, 1, 16383, 16384, 16385, 3 * 16384, 4 * 16384, 4 * 16384 + 1, 65 * 16384 - 7, 200_000]
CONTEXT = b"context"
ID = bytes(range(16))


def store(folder: Path, plain: bytes, key: bytes) -> ObjectEntry:
    """Write one object as the vault does."""
    entry = ObjectEntry(ID, 0, b"")
    target = folder / entry.path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as stream:
        size, written, leaves = encrypt_stream(io.BytesIO(plain), stream, key, CONTEXT)
    assert (size, written) == (len(plain), target.stat().st_size)
    hashes = folder / entry.hashes_path
    hashes.parent.mkdir(exist_ok=True)
    hashes.write_bytes(b"".join(leaves))
    return ObjectEntry(ID, written, root_of(leaves))


def reader(folder: Path, entry: ObjectEntry, size: int, key: bytes, verify: str = "aead") -> ObjectReader:
    return ObjectReader(Storage(str(folder)), entry, size, key, CONTEXT, verify, "test")


@pytest.mark.parametrize("size", EDGES)
def test_cryptography_reads_what_the_vault_writes(tmp_path: Path, size: int) -> None:
    plain, key = os.urandom(size), os.urandom(32)
    entry = store(tmp_path, plain, key)
    sealed = (tmp_path / entry.path).read_bytes()
    assert len(sealed) == sealed_size(size)
    decryptor = Cobblestone256Decryptor(key, CONTEXT)
    assert decryptor.update(sealed) + decryptor.finalize() == plain


@pytest.mark.parametrize("verify", ["aead", "anchored"])
@pytest.mark.parametrize("size", EDGES)
def test_the_vault_reads_what_cryptography_writes(tmp_path: Path, size: int, verify: str) -> None:
    plain, key = os.urandom(size), os.urandom(32)
    entry = store(tmp_path, plain, key)
    encryptor = Cobblestone256Encryptor(key, CONTEXT)
    sealed = encryptor.update(plain) + encryptor.finalize()
    if verify == "aead":
        (tmp_path / entry.path).write_bytes(sealed)
    with reader(tmp_path, entry, size, key, verify) as stream:
        assert stream.readall() == plain
        assert stream.read(1) == b""


@given(
    size=st.one_of(st.sampled_from(EDGES), st.integers(0, 150_000)),
    places=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 70_000)), min_size=1, max_size=6),
    verify=st.sampled_from(["aead", "anchored"]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_access_agrees_with_plain_bytes(
    tmp_path: Path, size: int, places: list[tuple[float, int]], verify: str
) -> None:
    plain, key = os.urandom(size), os.urandom(32)
    entry = store(tmp_path, plain, key)
    with io.BufferedReader(reader(tmp_path, entry, size, key, verify), 4096) as stream:
        for share, count in places:
            position = int(share * size)
            stream.seek(position)
            assert stream.read(count) == plain[position : position + count]
            into = bytearray(count)
            stream.seek(-min(count, size), os.SEEK_END)
            got = stream.readinto(into)
            assert bytes(into[:got]) == plain[size - min(count, size) :]


@given(
    steps=st.lists(st.integers(1, 5), min_size=1, max_size=8),
    jumps=st.lists(st.integers(0, 20), min_size=8, max_size=8),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_reading_in_order_goes_on_after_a_look_elsewhere(tmp_path: Path, steps: list[int], jumps: list[int]) -> None:
    plain, key = os.urandom(20 * CHUNK + 9), os.urandom(32)
    entry = store(tmp_path, plain, key)
    at = 0
    with reader(tmp_path, entry, len(plain), key) as stream:
        for step, jump in zip(steps, jumps, strict=False):
            stream.seek(at)
            part = stream.read(step * CHUNK)
            assert part == plain[at : at + step * CHUNK]
            at += len(part)
            stream.seek(jump * CHUNK)
            assert stream.read(2 * CHUNK) == plain[jump * CHUNK : (jump + 2) * CHUNK]


def test_what_is_intact_can_be_read_after_a_refusal(tmp_path: Path) -> None:
    plain, key = os.urandom(8 * CHUNK), os.urandom(32)
    entry = store(tmp_path, plain, key)
    stored = bytearray((tmp_path / entry.path).read_bytes())
    stored[HEADER_SIZE + 3 * SEALED_CHUNK] ^= 1
    (tmp_path / entry.path).write_bytes(stored)
    with reader(tmp_path, entry, len(plain), key) as stream:
        assert stream.read(2 * CHUNK) == plain[: 2 * CHUNK]
        for _ in range(2):
            stream.seek(2 * CHUNK)
            with pytest.raises(IntegrityError, match="did not write"):
                stream.read(2 * CHUNK)
        stream.seek(4 * CHUNK)
        assert stream.read() == plain[4 * CHUNK :]


SIZE = 100_000


@pytest.mark.parametrize("place", [0, 30, HEADER_SIZE, HEADER_SIZE + SEALED_CHUNK - 1, 3 * SEALED_CHUNK, -1])
@pytest.mark.parametrize("verify", ["aead", "anchored"])
def test_a_flipped_bit_is_refused_and_leaves_nothing_behind(tmp_path: Path, place: int, verify: str) -> None:
    plain, key = os.urandom(SIZE), os.urandom(32)
    entry = store(tmp_path, plain, key)
    stored = bytearray((tmp_path / entry.path).read_bytes())
    stored[place] ^= 1
    (tmp_path / entry.path).write_bytes(stored)
    out = bytearray(b"x" * SIZE)
    with reader(tmp_path, entry, SIZE, key, verify) as stream, pytest.raises(IntegrityError):
        stream.readinto(out)
    assert bytes(out) == bytes(SIZE)


@pytest.mark.parametrize("cut", [1, 16, SEALED_CHUNK, SIZE % CHUNK + 16])
def test_a_truncated_object_is_refused_at_open(tmp_path: Path, cut: int) -> None:
    key = os.urandom(32)
    entry = store(tmp_path, os.urandom(SIZE), key)
    stored = (tmp_path / entry.path).read_bytes()
    (tmp_path / entry.path).write_bytes(stored[:-cut])
    with pytest.raises(IntegrityError, match="bytes in storage"):
        reader(tmp_path, entry, SIZE, key)


def test_an_extended_object_is_refused_at_open(tmp_path: Path) -> None:
    key = os.urandom(32)
    entry = store(tmp_path, os.urandom(SIZE), key)
    with (tmp_path / entry.path).open("ab") as stream:
        stream.write(b"more")
    with pytest.raises(IntegrityError):
        reader(tmp_path, entry, SIZE, key)


def test_chunks_in_another_order_are_refused(tmp_path: Path) -> None:
    key = os.urandom(32)
    entry = store(tmp_path, os.urandom(4 * CHUNK), key)
    stored = (tmp_path / entry.path).read_bytes()
    one = slice(HEADER_SIZE, HEADER_SIZE + SEALED_CHUNK)
    two = slice(HEADER_SIZE + SEALED_CHUNK, HEADER_SIZE + 2 * SEALED_CHUNK)
    (tmp_path / entry.path).write_bytes(stored[:HEADER_SIZE] + stored[two] + stored[one] + stored[two.stop :])
    with reader(tmp_path, entry, 4 * CHUNK, key) as stream, pytest.raises(IntegrityError, match="did not write"):
        stream.read(10)


def test_one_ciphertext_has_one_key() -> None:
    """The commitment in the header: a second key, or another context, does not even begin to decrypt."""
    key = os.urandom(32)
    encryptor = Cobblestone256Encryptor(key, CONTEXT)
    sealed = encryptor.update(b"x") + encryptor.finalize()
    ChunkCipher(key, CONTEXT, sealed[:HEADER_SIZE])
    for other in ((os.urandom(32), CONTEXT), (key, b"elsewhere")):
        with pytest.raises(IntegrityError, match="does not match its key"):
            ChunkCipher(*other, sealed[:HEADER_SIZE])


def test_another_key_holder_cannot_forge_an_anchored_read(tmp_path: Path) -> None:
    """Whoever holds the key can write chunks with valid tags; only the anchored mode notices."""
    plain, key = os.urandom(SIZE), os.urandom(32)
    entry = store(tmp_path, plain, key)
    forged = os.urandom(SIZE)
    encryptor = Cobblestone256Encryptor(key, CONTEXT)
    (tmp_path / entry.path).write_bytes(encryptor.update(forged) + encryptor.finalize())
    with reader(tmp_path, entry, SIZE, key, "aead") as stream:
        assert stream.readall() == forged
    with reader(tmp_path, entry, SIZE, key, "anchored") as stream, pytest.raises(IntegrityError, match="anchored"):
        stream.read(1)


def test_altered_leaf_hashes_are_refused(tmp_path: Path) -> None:
    key = os.urandom(32)
    entry = store(tmp_path, os.urandom(SIZE), key)
    (tmp_path / entry.hashes_path).write_bytes(os.urandom(64))
    with reader(tmp_path, entry, SIZE, key, "anchored") as stream, pytest.raises(IntegrityError, match="leaf hashes"):
        stream.read(1)


def test_an_unknown_verify_mode_is_named(tmp_path: Path) -> None:
    key = os.urandom(32)
    entry = store(tmp_path, b"x", key)
    with pytest.raises(InputError, match="'never'"):
        reader(tmp_path, entry, 1, key, "never")

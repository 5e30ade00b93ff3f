"""RFC 6962 Merkle trees (SHA-256): 0x00 before a leaf's data, 0x01 before a pair, no padding, order matters."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes | memoryview) -> bytes:
    """Hash of one leaf's data."""
    digest = hashlib.sha256(b"\0")
    digest.update(data)
    return digest.digest()


def _pair(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


class MerkleTree:
    """A tree that grows at the right; root and proofs in logarithmic time.

    Args:
        leaves: leaf hashes to begin with.
    """

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        # _levels[k][i] is the root of the complete subtree over leaves [i * 2**k, (i + 1) * 2**k).
        self._levels: list[list[bytes]] = [[]]
        for leaf in leaves:
            self.append(leaf)

    def __len__(self) -> int:
        return len(self._levels[0])

    def append(self, leaf: bytes) -> int:
        """Add a leaf hash; returns its index."""
        index = len(self)
        node = leaf
        for level in range(len(self._levels) + 1):
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].append(node)
            if len(self._levels[level]) % 2:
                break
            node = _pair(self._levels[level][-2], self._levels[level][-1])
        return index

    def root(self, size: int | None = None) -> bytes:
        """Root over the first ``size`` leaves, all when none is given."""
        return self._range(0, len(self) if size is None else size)

    def proof(self, index: int, size: int | None = None) -> list[bytes]:
        """RFC 6962 audit path of a leaf within the first ``size`` leaves.

        Raises:
            IndexError: no such leaf.
        """
        end = len(self) if size is None else size
        if not 0 <= index < end <= len(self):
            raise IndexError(index)
        start, path = 0, []
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(start, middle))
                start = middle
        return path[::-1]

    def consistency(self, first: int, second: int | None = None) -> list[bytes]:
        """RFC 6962 proof (2.1.2) that the first ``first`` leaves are a prefix of the first ``second``, or of all.

        Raises:
            IndexError: there are not that many leaves.
        """
        end = len(self) if second is None else second
        if not 0 <= first <= end <= len(self):
            raise IndexError(first)
        if first in (0, end):
            return []
        start, whole, path = 0, True, []
        while first != end - start:
            middle = start + _split(end - start)
            if first <= middle - start:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(start, middle))
                first -= middle - start
                start, whole = middle, False
        return [*([] if whole else [self._range(start, end)]), *path[::-1]]

    def _range(self, start: int, end: int) -> bytes:
        width = end - start
        if width == 0:
            return EMPTY_ROOT
        if width & (width - 1) == 0 and start % width == 0:
            return self._levels[width.bit_length() - 1][start // width]
        middle = start + _split(width)
        return _pair(self._range(start, middle), self._range(middle, end))


def _split(width: int) -> int:
    """The largest power of two below ``width``."""
    return int(1 << ((width - 1).bit_length() - 1))


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Root over leaf hashes."""
    return MerkleTree(leaves).root()


def verify_proof(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether ``leaf`` is leaf number ``index`` of the tree of ``size`` leaves with this root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            node = _pair(sibling, node)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            node = _pair(node, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and node == root


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether a tree of ``second`` leaves has the tree of ``first`` leaves as its prefix (RFC 9162, 2.1.4.2)."""
    if not 0 <= first <= second:
        return False
    if first == second:
        return not path and first_root == second_root
    if first == 0:
        return not path and first_root == EMPTY_ROOT
    steps = list(path)
    if first & (first - 1) == 0:  # a complete tree is a node of the larger one, and so the proof leaves it out
        steps.insert(0, first_root)
    if not steps:
        return False
    position, last = first - 1, second - 1
    while position & 1:
        position >>= 1
        last >>= 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = _pair(step, old), _pair(step, new)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            new = _pair(new, step)
        position >>= 1
        last >>= 1
    return last == 0 and old == first_root and new == second_root


class LeafHasher:
    """Hashes a ciphertext that arrives in pieces into leaves of 64 KiB of content; the header joins the first leaf."""

    def __init__(self, first: int, size: int) -> None:
        self._size = size
        self._room = first
        self._digest = hashlib.sha256(b"\0")
        self._empty = True
        self.leaves: list[bytes] = []

    def update(self, data: memoryview) -> None:
        """Add the next bytes of the ciphertext."""
        while data:
            piece, data = data[: self._room], data[self._room :]
            self._digest.update(piece)
            self._empty = False
            self._room -= len(piece)
            if self._room == 0:
                self._close()

    def finish(self) -> list[bytes]:
        """All leaf hashes, the short last one included."""
        if not self._empty:
            self._close()
        return self.leaves

    def _close(self) -> None:
        self.leaves.append(self._digest.digest())
        self._digest = hashlib.sha256(b"\0")
        self._empty = True
        self._room = self._size

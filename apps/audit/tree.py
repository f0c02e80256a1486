"""The log's Merkle tree: hashes and shapes of proofs as RFC 9162, section 2.1, has them.

Positions count from 0. A perfect subtree is named (level, position): it covers the `2**level`
leaves from `position * 2**level` on. A range (start, end) is part of a tree as the RFC splits it.
Hashes are 32 bytes.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

Subtree = tuple[int, int]
Range = tuple[int, int]


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def appended(peaks: Sequence[bytes], size: int, leaf: bytes) -> tuple[list[bytes], list[bytes]]:
    """A tree of `size` leaves, known by its perfect subtrees from left to right, gets one more.

    Gives the new peaks, and the subtrees that the leaf completed, lowest first (without itself).
    """
    grown, completed, node = list(peaks), [], leaf
    while size & 1:
        node = node_hash(grown.pop(), node)
        completed.append(node)
        size >>= 1
    return [*grown, node], completed


def root_of(peaks: Sequence[bytes]) -> bytes:
    """The root over perfect subtrees from left to right; of nothing, the hash of nothing."""
    if not peaks:
        return hashlib.sha256(b"").digest()
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


def perfect(span: Range) -> list[Subtree]:
    """The perfect subtrees that a range is made of, from left to right."""
    start, end = span
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found


def hash_of(span: Range, known: Mapping[Subtree, bytes]) -> bytes:
    """A range's hash from those of its perfect subtrees. Raises KeyError if one isn't known."""
    return root_of([known[one] for one in perfect(span)])


def inclusion(position: int, size: int) -> list[Range]:
    """Ranges whose hashes prove that a leaf is in a tree, the lowest first (PATH, 2.1.3.1)."""
    path, start, end = [], 0, size
    while end - start > 1:
        middle = start + _left(end - start)
        if position < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return path[::-1]


def consistency(first: int, second: int) -> list[Range]:
    """Ranges whose hashes prove that a tree is the beginning of another (PROOF, 2.1.4.1)."""
    return _subproof(first, 0, second, True)


def _subproof(first: int, start: int, end: int, whole: bool) -> list[Range]:
    if first == end - start:
        return [] if whole else [(start, end)]
    left = _left(end - start)
    middle = start + left
    if first <= left:
        return [*_subproof(first, start, middle, whole), (middle, end)]
    return [*_subproof(first - left, middle, end, False), (start, middle)]


def _left(size: int) -> int:
    """The largest power of two below a size of two or more."""
    return 1 << ((size - 1).bit_length() - 1)


def needed(ranges: Iterable[Range]) -> set[Subtree]:
    """Every perfect subtree that the ranges are made of."""
    return {one for span in ranges for one in perfect(span)}

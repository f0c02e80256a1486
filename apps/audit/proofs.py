"""Roots and proofs from the hashes that entries hold: one query each, however long the log is."""

from collections.abc import Iterable, Mapping

from apps.audit import tree
from apps.audit.models import AuditEntry, AuditHead


def size() -> int:
    """How many entries there are."""
    return AuditHead.objects.filter(pk=1).values_list("size", flat=True).first() or 0


def root(size: int) -> bytes:
    """The root over the first `size` entries."""
    return hashes([(0, size)])[0]


def inclusion(index: int, size: int) -> list[bytes]:
    """Proves that entry `index` (from 1) is one of the first `size`."""
    return hashes(tree.inclusion(index - 1, size))


def consistency(first: int, second: int) -> list[bytes]:
    """Proves that the first `first` entries are how the first `second` begin (0 < first)."""
    return hashes(tree.consistency(first, second))


def hashes(ranges: Iterable[tree.Range]) -> list[bytes]:
    """The hash of each range."""
    spans = list(ranges)
    known = subtrees(tree.needed(spans))
    return [tree.hash_of(span, known) for span in spans]


def subtrees(wanted: Iterable[tree.Subtree]) -> Mapping[tree.Subtree, bytes]:
    """Hashes of perfect subtrees: each is kept by the last entry that it covers."""
    named = {one: (one[1] + 1) << one[0] for one in wanted}
    kept = {
        index: [leaf, *above]
        for index, leaf, above in AuditEntry.objects.filter(
            index__in=set(named.values())
        ).values_list("index", "hash", "subtrees")
    }
    return {(level, at): bytes.fromhex(kept[i][level]) for (level, at), i in named.items()}

"""Entries and what proves them, for somebody who doesn't trust the portal: one JSON value a line.

First {"evidence", "complete", "size", "root", "checkpoint", "key"}: `checkpoint` is a signed note,
`key` what checks it. Then {"leaf"} for each entry, in their order: the text that is hashed. Where
`complete` is false only some entries are there, and each brings its `proof` (hashes in hex).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import QuerySet

from apps.audit import checkpoints, leaves, proofs, tree
from apps.audit.models import AuditEntry

FORMAT = 1
CHUNK = 500


def lines(entries: QuerySet[AuditEntry], *, complete: bool) -> Iterator[str]:
    """`complete`: `entries` are all that there are."""
    checkpoint, key = checkpoints.now(), checkpoints.signer()
    yield _line(
        {
            "evidence": FORMAT,
            "complete": complete,
            "size": checkpoint.size,
            "root": checkpoint.root.hex(),
            "checkpoint": checkpoint.note,
            "key": key.verifier_key if key else "",
        }
    )
    asked = entries.filter(index__lte=checkpoint.size).order_by("index")
    for chunk in _chunks(asked):
        known = {} if complete else _known(chunk, checkpoint.size)
        for entry in chunk:
            told: dict[str, Any] = {"leaf": leaves.text_of(entry)}
            if not complete:
                told["proof"] = _proof(entry, checkpoint.size, known)
            yield _line(told)


def _known(chunk: list[AuditEntry], size: int) -> Mapping[tree.Subtree, bytes]:
    paths = [tree.inclusion(entry.index - 1, size) for entry in chunk]
    return proofs.subtrees(tree.needed(span for path in paths for span in path))


def _proof(entry: AuditEntry, size: int, known: Mapping[tree.Subtree, bytes]) -> list[str]:
    return [tree.hash_of(span, known).hex() for span in tree.inclusion(entry.index - 1, size)]


def _chunks(entries: QuerySet[AuditEntry]) -> Iterator[list[AuditEntry]]:
    """By index, not by offset: the log grows while it is read."""
    after = 0
    while chunk := list(entries.filter(index__gt=after)[:CHUNK]):
        yield chunk
        after = chunk[-1].index


def _line(value: Any) -> str:
    return json.dumps(value, separators=(",", ":")) + "\n"

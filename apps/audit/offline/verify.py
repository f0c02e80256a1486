#!/usr/bin/env python3
"""Checks evidence of a Fabric Portal's log. It needs this file and Python 3.9, and nothing else.

usage: verify.py EVIDENCE [--key FILE|KEY] [--since FILE]

EVIDENCE  what the portal exported: audit-evidence.jsonl
--key     the key that you wrote down before: the evidence brings its own, and who forges one brings
          a key that fits the other
--since   a checkpoint, or evidence, of an earlier day: nothing from then may be missing or changed.
          That needs evidence of the whole log.

Prints what is proven. Ends with 0, or with 1 when something doesn't fit, or 2 when it can't tell.

Hashes are those of RFC 9162, section 2.1; the checkpoint is a signed note (C2SP signed-note and
tlog-checkpoint) with an Ed25519 signature (RFC 8032).
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    Key = tuple[str, bytes, bytes]  # name, key hash, public key
    Tree = tuple[int, bytes]  # size, root
    Point = tuple[int, int, int, int]

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, PRIME - 2, PRIME) % PRIME


class DoesNotFit(Exception):
    """The evidence is wrong, and where."""


class CannotTell(Exception):
    """What was given isn't enough, or isn't evidence."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("evidence")
    parser.add_argument("--key")
    parser.add_argument("--since")
    options = parser.parse_args()
    try:
        verify(options.evidence, options.key, options.since)
    except DoesNotFit as wrong:
        say(f"WRONG: {wrong}")
        return 1
    except (CannotTell, OSError, UnicodeDecodeError) as problem:
        say(f"Can't tell: {problem}")
        return 2
    return 0


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


def verify(evidence: str, key: str | None, since: str | None) -> None:
    with open(evidence, encoding="utf-8") as lines:
        head = header(lines.readline())
        size, root = head["size"], bytes.fromhex(head["root"])
        signed_by = check_signature(head, key)
        earlier = earlier_checkpoint(since, signed_by) if since else None
        if earlier and not head["complete"]:
            raise CannotTell("--since needs evidence of the whole log; this is of some entries.")
        if earlier and earlier[0] > size:
            raise DoesNotFit(f"{earlier[0]} entries were signed before, this log has {size}.")
        if head["complete"]:
            count = check_whole(lines, size, root, earlier)
        else:
            count = check_some(lines, size, root)
    if head["complete"]:
        say(f"All {count} entries are those that were signed, in their order, none missing.")
    else:
        say(f"{count} entries are in the log of {size} entries that was signed.")
    if earlier:
        say(f"The first {earlier[0]} are those that were signed before.")
    say(f"Signed by {signed_by[0]}.")
    if not key:
        say("By the key that the evidence brings. Give --key the one that you wrote down.")


def header(line: str) -> dict[str, Any]:
    try:
        head = json.loads(line)
        if head["evidence"] != 1:
            raise CannotTell("it is evidence of a later format: take a later verifier.")
        kinds = {"size": int, "root": str, "checkpoint": str, "key": str, "complete": bool}
        if any(not isinstance(head[name], kind) for name, kind in kinds.items()):
            raise ValueError
        bytes.fromhex(head["root"])
    except (ValueError, KeyError, TypeError):
        raise CannotTell("the first line isn't that of evidence.") from None
    return head


def check_signature(head: dict[str, Any], key: str | None) -> Key:
    """The key that signed the checkpoint, which has to say the same size and root."""
    given = key_text(key) if key else head["key"]
    if not head["checkpoint"] or not given:
        raise CannotTell("the portal had no key to sign with.")
    verifier = read_key(given)
    size, root = read_note(head["checkpoint"], verifier)
    if (size, root) != (head["size"], bytes.fromhex(head["root"])):
        raise DoesNotFit("The checkpoint is of another log than the evidence says.")
    return verifier


def key_text(given: str) -> str:
    if given.count("+") >= 2 and "\n" not in given:
        return given
    with open(given, encoding="utf-8") as file:
        return file.read().strip()


def read_key(text: str) -> Key:
    """NAME+HASH+KEY as (name, hash, key)."""
    try:
        name, hashed, encoded = text.split("+", 2)
        kind_and_key = base64.b64decode(encoded, validate=True)
        if kind_and_key[:1] != b"\x01" or len(kind_and_key) != 33:
            raise ValueError
    except ValueError:
        raise CannotTell("the key isn't one.") from None
    expected = hashlib.sha256(name.encode() + b"\n" + kind_and_key).digest()[:4]
    if hashed != expected.hex():
        raise CannotTell("the key doesn't fit its own name.")
    return name, expected, kind_and_key[1:]


def read_note(note: str, verifier: Key) -> Tree:
    """A signed note's size and root."""
    name, hashed, key = verifier
    try:
        text, signatures = note.split("\n\n", 1)
        text += "\n"
        who, size, root = text.splitlines()[:3]
    except ValueError:
        raise CannotTell("the checkpoint isn't a signed note.") from None
    for line in signatures.splitlines():
        words = line.split(" ")
        if len(words) != 3 or words[:2] != ["\u2014", name]:
            continue
        signature = base64.b64decode(words[2])
        if signature[:4] == hashed:
            if who != name or not signed(key, text.encode(), signature[4:]):
                raise DoesNotFit("The signature of the checkpoint is wrong.")
            return int(size), base64.b64decode(root)
    raise DoesNotFit("The checkpoint isn't signed by that key.")


def earlier_checkpoint(path: str, verifier: Key) -> Tree:
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if text.startswith("{"):
        text = header(text.splitlines()[0])["checkpoint"]
    return read_note(text, verifier)


def check_whole(lines: Iterable[str], size: int, root: bytes, earlier: Tree | None) -> int:
    """Builds the tree anew from every entry."""
    peaks: list[bytes] = []
    count = 0
    for line in lines:
        leaf, index = read_leaf(line, count + 1)[:2]
        if index != count + 1:
            raise DoesNotFit(f"Entry {count + 1} isn't there.")
        node, width = leaf_hash(leaf), count
        while width & 1:
            node, width = node_hash(peaks.pop(), node), width >> 1
        peaks.append(node)
        count += 1
        if earlier and count == earlier[0] and root_of(peaks) != earlier[1]:
            raise DoesNotFit(f"The first {count} entries aren't those that were signed before.")
    if count != size:
        raise DoesNotFit(f"There are {count} entries, {size} were signed.")
    if root_of(peaks) != root:
        raise DoesNotFit("The entries aren't those that were signed.")
    return count


def check_some(lines: Iterable[str], size: int, root: bytes) -> int:
    """Follows each entry's proof to the root."""
    count = 0
    for line in lines:
        leaf, index, told = read_leaf(line, count + 1)
        try:
            proof = [bytes.fromhex(one) for one in told["proof"]]
        except (KeyError, ValueError, TypeError):
            raise CannotTell(f"entry {index} has no proof.") from None
        if not 1 <= index <= size or climbed(leaf_hash(leaf), index - 1, size, proof) != root:
            raise DoesNotFit(f"Entry {index} isn't in the log as it is told here.")
        count += 1
    return count


def read_leaf(line: str, number: int) -> tuple[bytes, int, dict[str, Any]]:
    try:
        told = json.loads(line)
        leaf = told["leaf"]
        return leaf.encode(), json.loads(leaf)["index"], told
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CannotTell(f"line {number + 1} isn't an entry.") from None


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(peaks: list[bytes]) -> bytes:
    if not peaks:
        return hashlib.sha256(b"").digest()
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


def climbed(node: bytes, position: int, size: int, proof: list[bytes]) -> bytes | None:
    """The root that a proof leads to (RFC 9162, 2.1.3.2); None where it can't be one."""
    last = size - 1
    for other in proof:
        if last == 0:
            return None
        if position & 1 or position == last:
            node = node_hash(other, node)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            node = node_hash(node, other)
        position, last = position >> 1, last >> 1
    return node if last == 0 else None


# Ed25519. Points are (X, Y, Z, T): x = X/Z, y = Y/Z, x*y = T/Z.


def signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature of 64 bytes is that of a message (RFC 8032, 5.1.7)."""
    if len(signature) != 64:
        return False
    point, commitment = decoded(key), decoded(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if point is None or commitment is None or scalar >= ORDER:
        return False
    hashed = hashlib.sha512(signature[:32] + key + message).digest()
    challenge = int.from_bytes(hashed, "little") % ORDER
    return same(times(scalar, BASE), plus(commitment, times(challenge, point)))


def decoded(text: bytes) -> Point | None:
    """A point from its 32 bytes; None where there is none."""
    y = int.from_bytes(text, "little")
    odd, y = y >> 255, y & (2**255 - 1)
    if y >= PRIME:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, PRIME - 2, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    if (x * x - square) % PRIME or (x == 0 and odd):
        return None
    if x & 1 != odd:
        x = PRIME - x
    return x, y, 1, x * y % PRIME


def plus(one: Point, other: Point) -> Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % PRIME
    b = (one[1] + one[0]) * (other[1] + other[0]) % PRIME
    c = 2 * one[3] * other[3] * D % PRIME
    d = 2 * one[2] * other[2] % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def times(scalar: int, point: Point) -> Point:
    found = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            found = plus(found, point)
        point, scalar = plus(point, point), scalar >> 1
    return found


def same(one: Point, other: Point) -> bool:
    across = (one[0] * other[2] - other[0] * one[2]) % PRIME
    along = (one[1] * other[2] - other[1] * one[2]) % PRIME
    return across == 0 and along == 0


_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
_Y = 4 * pow(5, PRIME - 2, PRIME) % PRIME
BASE = (_X, _Y, 1, _X * _Y % PRIME)

if __name__ == "__main__":
    sys.exit(main())

"""The tree against RFC 9162's own definitions, and the verifier against the RFC's algorithm."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from apps.audit import tree
from apps.audit.offline import verify

LEAVES = [bytes([number]) * (number % 5) for number in range(200)]
HASHES = [tree.leaf_hash(leaf) for leaf in LEAVES]
#: Roots over the first 0 to 8 leaves of Certificate Transparency's known-answer tests.
KNOWN_LEAVES = [
    b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57", bytes(range(0x60, 0x70)),
]  # fmt: skip
KNOWN_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def defined(hashes: list[bytes]) -> bytes:
    """MTH as section 2.1.1 defines it, word by word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    left = 1
    while left * 2 < len(hashes):
        left *= 2
    return tree.node_hash(defined(hashes[:left]), defined(hashes[left:]))


def grown(hashes: list[bytes]) -> tuple[list[bytes], dict[tree.Subtree, bytes]]:
    """A tree leaf by leaf: its peaks, and every perfect subtree where the log keeps it."""
    peaks: list[bytes] = []
    known: dict[tree.Subtree, bytes] = {}
    for size, leaf in enumerate(hashes):
        peaks, completed = tree.appended(peaks, size, leaf)
        for level, node in enumerate([leaf, *completed]):
            known[level, size >> level] = node
    return peaks, known


def test_roots_are_the_known_ones() -> None:
    hashes = [tree.leaf_hash(leaf) for leaf in KNOWN_LEAVES]

    found = [tree.root_of(grown(hashes[:size])[0]).hex() for size in range(9)]

    assert found == KNOWN_ROOTS


@given(st.integers(0, 200))
def test_a_tree_that_grew_has_the_root_that_is_defined(size: int) -> None:
    peaks, known = grown(HASHES[:size])

    assert tree.root_of(peaks) == defined(HASHES[:size])
    assert all(
        node == defined(HASHES[at << level : (at + 1) << level])
        for (level, at), node in known.items()
    )


@given(st.data())
def test_a_proof_of_inclusion_leads_to_the_root_from_its_leaf_alone(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 200))
    position = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1))
    _, known = grown(HASHES[:size])
    proof = [tree.hash_of(span, known) for span in tree.inclusion(position, size)]
    root = defined(HASHES[:size])

    assert verify.climbed(HASHES[position], position, size, proof) == root
    if other != position:
        assert verify.climbed(HASHES[position], other, size, proof) != root
    assert verify.climbed(tree.leaf_hash(b"forged"), position, size, proof) != root


def consistent(first: int, second: int, first_root: bytes, proof: list[bytes]) -> bytes | None:
    """The later root by section 2.1.4.2, or None where the proof is not of the earlier one."""
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for one in path[1:]:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            fr, sr = tree.node_hash(one, fr), tree.node_hash(one, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = tree.node_hash(sr, one)
        fn, sn = fn >> 1, sn >> 1
    return sr if fr == first_root and sn == 0 else None


@given(st.data())
def test_a_proof_of_consistency_leads_from_one_root_to_the_other(data: st.DataObject) -> None:
    second = data.draw(st.integers(1, 200))
    first = data.draw(st.integers(1, second))
    _, known = grown(HASHES[:second])
    proof = [tree.hash_of(span, known) for span in tree.consistency(first, second)]
    before, after = defined(HASHES[:first]), defined(HASHES[:second])

    if first == second:
        assert proof == []
    else:
        assert consistent(first, second, before, proof) == after
        assert consistent(first, second, tree.leaf_hash(b"forged"), proof) != after


@given(st.integers(1, 2**40), st.data())
def test_proofs_stay_short(size: int, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, size - 1))

    assert len(tree.inclusion(position, size)) <= size.bit_length()
    assert len(tree.needed(tree.inclusion(position, size))) <= size.bit_length() ** 2

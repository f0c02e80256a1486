"""A hash that is put down anywhere and taken up again is the hash."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from apps.library.sha256 import BLOCK, Sha256


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_put_down_after_every_piece_and_taken_up_elsewhere(pieces: list[bytes]) -> None:
    whole, digest = b"", Sha256()
    for piece in pieces:
        digest.update(piece)
        whole += piece
        rest = whole[len(whole) - len(whole) % BLOCK :]
        again = Sha256.resumed(digest.state, len(whole), rest)
        assert again is not None
        digest = again
        assert digest.hexdigest() == hashlib.sha256(whole).hexdigest()


def test_the_number_of_bits_may_need_more_than_32_of_them() -> None:
    piece, plain, digest = bytes(1 << 20), hashlib.sha256(), Sha256()
    for _ in range(513):
        plain.update(piece)
        digest.update(piece)

    again = Sha256.resumed(digest.state, 513 << 20, b"")

    assert again is not None and again.hexdigest() == plain.hexdigest()


def test_what_is_kept_of_it_holds_no_content() -> None:
    digest, secret = Sha256(), b"the administrator's password"
    digest.update(bytes(BLOCK) + secret)

    assert len(digest.state) == 64 and secret.hex() not in digest.state


def test_a_state_that_is_none_is_of_no_use() -> None:
    assert Sha256.resumed("", 64, b"") is None
    assert Sha256.resumed("0" * 64, 65, b"") is None

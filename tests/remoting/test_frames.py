"""Frames out of bytes that the wire has cut anywhere."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.remoting import clixml, frames

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def line(kind: str, document, number: int = 1, memory: int = 0) -> bytes:
    body = base64.b64encode(json.dumps(document).encode())
    return b" ".join([kind.encode(), b"%d" % number, body, b"%d" % memory]) + b"\r\n"


@given(st.lists(st.tuples(st.sampled_from("pre"), JSON), max_size=5), st.integers(1, 40))
def test_frames_come_whole_however_the_bytes_were_cut(sent, size):
    data = b"".join(line(kind, document) for kind, document in sent)
    reader = frames.Reader()
    found = []

    for start in range(0, len(data), size):
        found += reader.feed(data[start : start + size])
    found += reader.close()

    assert [(frame.kind, frame.document) for frame in found] == sent


@pytest.mark.parametrize(
    "bad",
    [
        b"r 1 not-base64! 0\n",
        b"r 1 " + base64.b64encode(b"no json") + b" 0\n",
        b"r one e30= 0\n",
        b"r 1 e30= much\n",
    ],
)
def test_a_line_that_only_starts_as_a_frame_is_none(bad):
    with pytest.raises(frames.NotAFrame):
        list(frames.Reader().feed(bad))


def test_a_frame_says_which_call_it_belongs_to_and_what_memory_is_held():
    (frame,) = frames.Reader().feed(line("r", {}, number=17, memory=4096))

    assert (frame.number, frame.memory) == (17, 4096)


def test_other_lines_are_kept_for_the_message_about_them():
    reader = frames.Reader()

    found = list(reader.feed(b"WARNING: \x1b[33mhello\xff\r\n" + line("r", 1)))

    assert [frame.document for frame in found] == [1]
    assert reader.stray == "WARNING: [33mhello\N{REPLACEMENT CHARACTER}"


def test_an_error_stream_is_read_as_words():
    stderr = (
        b'#< CLIXML\r\n<Objs Version="1.1.0.1"'
        b' xmlns="http://schemas.microsoft.com/powershell/2004/04">'
        b'<Obj S="progress" RefId="0"/><S S="Error">one_x000D__x000A_</S>'
        b'<S S="Error">two &lt;3_x000D__x000A_</S></Objs>'
    )

    assert clixml.plain(stderr) == "one\r\ntwo <3"


def test_an_error_stream_of_plain_text_stays_as_it_is():
    assert clixml.plain(b"Zugriff verweigert") == "Zugriff verweigert"

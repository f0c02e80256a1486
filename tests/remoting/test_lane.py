"""The short way on a connection that is signed in: real sockets, answers of every shape."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.lab.world import WireFault
from apps.remoting import call, errors, scripts
from apps.remoting.lane import LONGEST_HEAD, Lane
from tests.lab.wsman.machines import N1

URL = "http://host.example:5985/wsman"
READING = scripts.from_text("Get-Answer", "'{1}'\n")
CHANGING = scripts.from_text("Set-Answer", "'{2}'\n")
Talk = Callable[..., bytes]


@pytest.fixture
def pair() -> Iterator[tuple[Lane, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Lane(ours, URL, {"Connection": "Keep-Alive"}), theirs


def ask(pair: tuple[Lane, socket.socket], answer: bytes, *, ends: bool = False):
    """One exchange, whose other end answers with these bytes."""
    lane, theirs = pair

    def speak() -> None:
        theirs.recv(65536)
        theirs.sendall(answer)
        if ends:
            theirs.shutdown(socket.SHUT_WR)

    speaker = threading.Thread(target=speak)
    speaker.start()
    try:
        return lane.post(b"<a/>", "text/xml", 5)
    finally:
        speaker.join()


def test_an_answer_is_read_to_its_length_and_no_further(pair):
    answer = ask(pair, b"HTTP/1.1 500 Internal\r\ncontent-LENGTH: 4\r\nX: y:z\r\n\r\nbody")

    assert (answer.status, answer.content) == (500, b"body")
    assert answer.headers == {"content-length": "4", "x": "y:z"}
    assert answer.response().content == b"body"
    assert answer.response().url == URL
    assert pair[0].is_open
    assert ask(pair, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").content == b""


def test_a_connection_that_says_more_than_it_should_is_not_used_again(pair):
    assert ask(pair, b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab").content == b"a"

    assert not pair[0].is_open


@pytest.mark.parametrize("words", [b"Connection: close", b"connection:Close"])
def test_a_host_that_ends_the_connection_is_believed(pair, words):
    ask(pair, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n%s\r\n\r\n" % words)

    assert not pair[0].is_open


def test_a_host_that_closed_while_nobody_asked_shows(pair):
    pair[1].close()

    assert not pair[0].is_open


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Len",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999999\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 two OK\r\nContent-Length: 0\r\n\r\n",
        b"X" * (LONGEST_HEAD + 70_000),
    ],
    ids=lambda answer: repr(answer[:50]),
)
def test_what_is_no_answer_is_a_broken_connection(pair, answer):
    with pytest.raises(requests.exceptions.ConnectionError):
        ask(pair, answer, ends=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.binary(max_size=300), st.integers(0, 40))
def test_no_bytes_are_worse_than_a_broken_connection(noise: bytes, kept: int):
    ours, theirs = socket.socketpair()
    good = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"
    with ours, theirs:
        try:
            answer = ask((Lane(ours, URL, {}), theirs), good[:kept] + noise, ends=True)
        except requests.exceptions.ConnectionError:
            return
        assert len(answer.content) == int(answer.headers["content-length"])


def test_silence_is_a_time_out(pair):
    with pytest.raises(requests.exceptions.ReadTimeout):
        pair[0].post(b"<a/>", "text/xml", 0.05)


@pytest.mark.parametrize("way", ["ntlm-http", "ntlm-https", "basic-https", "certificate-https"])
@pytest.mark.parametrize("script", [READING, CHANGING], ids=lambda script: script.name)
def test_a_host_that_wants_the_sign_in_anew_gets_it_and_nothing_runs_twice(
    machines, endpoint, pool, way, script
):
    ran = []
    machines.behaviours[script.text] = lambda parameters, emit, cancelled: ran.append(1) or "done"
    call(endpoint(way), script, pool=pool)

    machines.by_address[N1].wire_faults = [
        WireFault("status", "Send", times=1, status=401, done=False)
    ]

    assert call(endpoint(way), script, pool=pool) == "done"
    assert len(ran) == 2


@pytest.mark.parametrize("way", ["ntlm-http", "ntlm-https", "basic-https"])
def test_words_of_a_host_that_are_no_success_come_as_they_always_did(machines, endpoint, pool, way):
    machines.behaviours[CHANGING.text] = lambda parameters, emit, cancelled: "done"
    call(endpoint(way), CHANGING, pool=pool)

    machines.by_address[N1].wire_faults = [WireFault("status", "Receive", times=9, status=503)]

    with pytest.raises(errors.Unreachable, match="HTTP status 503"):
        call(endpoint(way), CHANGING, pool=pool)

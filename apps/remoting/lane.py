"""The short way to a host that has signed us in: a request written straight to its connection.

requests and urllib3 prepare each request anew and read each head as a mail's, which costs more than
all the rest of a warm call. On a connection that pywinrm opened, and on which an exchange went
well, neither is needed: the headers are always the same, and what the host says has a length.
Whatever isn't ordinary comes back as requests would have told it.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests
from urllib3.util.wait import wait_for_read

LONGEST_HEAD = 65_536
_PORTION = 65_536


@dataclass(frozen=True)
class Answer:
    """`headers` by their names in lower case."""

    status: int
    headers: dict[str, str]
    content: bytes
    url: str

    def response(self) -> requests.Response:
        """The same as requests tells it."""
        told = requests.Response()
        told.status_code, told.url = self.status, self.url
        told.headers.update(self.headers)
        told.request = requests.PreparedRequest()
        told.request.url = self.url
        told._content = self.content  # requests has no other way to say what was read already
        return told


class Lane:
    """A socket that is signed in. One exchange at a time."""

    def __init__(self, sock: socket.socket, url: str, headers: dict[str, str]) -> None:
        """`headers`: those of each request, besides its host, its type and its length."""
        parts = urlsplit(url)
        lines = [f"POST {parts.path} HTTP/1.1", f"Host: {parts.netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._head = "\r\n".join(lines).encode("latin-1")
        self._sock = sock
        self._url = url

    @property
    def is_open(self) -> bool:
        """False where the host has closed it, or says something that nobody asked for."""
        return self._sock.fileno() >= 0 and not wait_for_read(self._sock, timeout=0.0)

    def post(self, body: bytes, content_type: str, seconds: float) -> Answer:
        """The answer, whatever its status. `seconds` is the longest wait between two bytes.

        Raises requests' exceptions, after which the connection is of no use.
        """
        head = b"%s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (
            self._head, content_type.encode("latin-1"), len(body),
        )  # fmt: skip
        try:
            self._sock.settimeout(seconds)
            self._sock.sendall(head + body)
            return self._answer()
        except ssl.SSLError as error:
            raise requests.exceptions.SSLError(error) from None
        except TimeoutError as error:
            raise requests.exceptions.ReadTimeout(error) from None
        except OSError as error:
            raise requests.exceptions.ConnectionError(error) from None

    def _answer(self) -> Answer:
        data = bytearray()
        while (end := data.find(b"\r\n\r\n")) < 0:
            if len(data) > LONGEST_HEAD:
                raise ConnectionError("the head of an answer has no end")
            data += self._received()
        status, headers = _head(bytes(data[:end]))
        length = end + 4 + _length(headers)
        while len(data) < length:
            data += self._received()
        if len(data) > length or headers.get("connection", "").lower() == "close":
            self._sock.close()
        return Answer(status, headers, bytes(data[end + 4 : length]), self._url)

    def _received(self) -> bytes:
        data = self._sock.recv(_PORTION)
        if not data:
            raise ConnectionError("the host ended its answer in the middle")
        return data


def is_short(response: requests.Response) -> bool:
    """Whether a host frames what it says so that it can be read here: by its length."""
    return "Content-Length" in response.headers and "Transfer-Encoding" not in response.headers


def _head(data: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = data.decode("latin-1").split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
        raise ConnectionError("that is no answer by HTTP")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(words[1]), headers


def _length(headers: dict[str, str]) -> int:
    length = headers.get("content-length", "")
    if "transfer-encoding" in headers or not length.isdecimal() or len(length) > 12:
        raise ConnectionError("an answer doesn't say how long it is")
    return int(length)

"""The event stream as a browser reads it, from a server in a thread of this process."""

import http.client
import socket
import threading
from contextlib import suppress

from tests.waiting import wait_for

PATH = "/api/v1/events/"


class Stream:
    """One open stream; `lines` grow while it is open."""

    def __init__(self, port: int, token: str = "", cookie: str = "") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        headers = {"Accept": "text/event-stream", "Host": "127.0.0.1"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if cookie:
            headers["Cookie"] = cookie
        self._connection.request("GET", PATH, headers=headers)
        self._socket = self._connection.sock
        self.answer = self._connection.getresponse()
        self.status = self.answer.status
        self.lines: list[str] = []
        self.over = threading.Event()
        if self.status == 200:
            threading.Thread(target=self._read, daemon=True).start()
            wait_for(lambda: ": open" in self.lines, "the stream's beginning")

    def _read(self) -> None:
        try:
            while line := self.answer.readline():
                self.lines.append(line.decode().rstrip("\n"))
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass  # closed by the test
        self.over.set()

    def tells_of(self, text: object) -> bool:
        return any(str(text) in line for line in self.lines)

    def close(self) -> None:
        # The reading thread holds the answer's lock until its read returns.
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self.answer.close()
        self._connection.close()

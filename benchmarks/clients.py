"""Somebody who asks a running demo by its API, and what it takes to bring in a pair of files."""

import base64
import http.client
import json
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TUS = {"Tus-Resumable": "1.0.0"}
LOOK_EVERY = 0.02


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Client:
    """One kept connection, as a script would have."""

    def __init__(self, url: str, token: str = "") -> None:
        parts = urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The status and the JSON document."""
        content = json.dumps(body or {}).encode() if method == "POST" else None
        answer, told = self.send(method, path, content, {"Content-Type": "application/json"})
        return answer.status, json.loads(told) if told else None

    def send(
        self, method: str, path: str, content: bytes | None, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        path = urlsplit(path)._replace(scheme="", netloc="").geturl()
        self.connection.request(method, path, content, self.headers | headers)
        answer = self.connection.getresponse()
        return answer, answer.read()

    def follow(self, address: str) -> Any:
        """An operation once it has ended."""
        return self.until(address, lambda row: row["status"] not in ("queued", "running"))

    def until(
        self, address: str, good: Any, seconds: float = 120, every: float = LOOK_EVERY
    ) -> Any:
        end = time.monotonic() + seconds
        while not good(row := self.ask("GET", address)[1]):
            if time.monotonic() > end:
                raise TimeoutError(f"{address}: {row.get('status')} after {seconds:g} s")
            time.sleep(every)
        return row

    def bring(self, path: str, kind: str) -> Any:
        """Uploads a file and waits until the library can use it; the library's row."""
        content, words = Path(path).read_bytes(), {"filename": Path(path).name, "kind": kind}
        told = ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in words.items())
        begin = {"Upload-Length": str(len(content)), "Upload-Metadata": told}
        answer, _ = self.send("POST", "/api/v1/uploads/", b"", TUS | begin)
        address = answer.headers["Location"]
        part = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        self.send("PATCH", address, content, TUS | part)
        item = self.until(address, lambda row: row["item"] or row["problem"])["item"]
        if item is None:
            raise SystemExit(f"{path} was refused")
        return self.until(item["url"], lambda row: row["status"] in ("usable", "refused"))

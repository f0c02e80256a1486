"""Clients that speak the upload protocol to a served portal."""

import base64
import hashlib
import http.client
import json
import socket
from typing import Any

UPLOADS = "/api/v1/uploads/"
CHUNK = "application/offset+octet-stream"


class Answer:
    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def slug(self) -> str:
        return self.json["type"].strip("/").rsplit("/", 1)[-1]


class Client:
    """One person's program."""

    def __init__(self, port: int, token: str = "", **headers: str) -> None:
        self.port = port
        self.headers = {"Host": "127.0.0.1", "Tus-Resumable": "1.0.0", **headers}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"

    def send(self, method: str, path: str, body: bytes | None = None, **more: str | None) -> Answer:
        headers = self.headers | {key.replace("_", "-"): value for key, value in more.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            wanted = {key: value for key, value in headers.items() if value is not None}
            connection.request(method, path, body=body, headers=wanted)
            reply = connection.getresponse()
            return Answer(reply.status, reply.headers, reply.read())
        finally:
            connection.close()

    def begin(self, length: int, name: str = "a.vhdx", kind: str = "disk", **more: str) -> Answer:
        named = {"filename": name, "kind": kind}
        pairs = (f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in named.items())
        return self.send(
            "POST", UPLOADS, b"", Upload_Length=str(length), Upload_Metadata=",".join(pairs), **more
        )

    def chunk(self, path: str, offset: int, body: bytes, **more: str) -> Answer:
        return self.send("PATCH", path, body, Upload_Offset=str(offset), Content_Type=CHUNK, **more)

    def offset(self, path: str) -> int:
        return int(self.send("HEAD", path).headers["Upload-Offset"])

    def row(self, path: str) -> Any:
        return self.send("GET", path).json

    def half(self, path: str, offset: int, length: int, body: bytes, **more: str) -> socket.socket:
        """A connection on which `body` of a chunk of `length` bytes was sent."""
        link = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        headers = self.headers | {key.replace("_", "-"): value for key, value in more.items()}
        headers |= {"Upload-Offset": str(offset), "Content-Type": CHUNK}
        headers |= {"Content-Length": str(length)}
        head = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
        link.sendall(f"PATCH {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        return link


def checksum(body: bytes) -> str:
    return "sha256 " + base64.b64encode(hashlib.sha256(body).digest()).decode()

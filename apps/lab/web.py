"""What the lab's small HTTP servers have in common: a thread, an end, and silence."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout: ClassVar[float | None] = 60

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: tests call hundreds of times."""

    def reply(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Server(ThreadingHTTPServer):
    """Listens from construction on; `start` serves in a thread, `stop` ends it."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: str, port: int, handler: type[Handler], name: str) -> None:
        super().__init__((address, port), handler)
        self._thread = threading.Thread(
            target=self.serve_forever, args=(0.1,), name=name, daemon=True
        )

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join(2)

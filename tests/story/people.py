"""What people's programs do to a running demo: the API over HTTP with their own tokens."""

import json
from typing import Any
from urllib.parse import urlsplit

from tests.library.serving import Answer, Client
from tests.story.demo import Demo
from tests.waiting import wait_for

JSON = "application/json"
SECONDS = 100  # a lost worker's work is taken up again after 30 to 45


class Person:
    """Somebody of the demo. No answer to anybody may ever be a fault of the server."""

    def __init__(self, demo: Demo, name: str) -> None:
        port = urlsplit(demo.url).port or 0
        self.token = demo.user(name)["api_token"]
        self.client = Client(port, self.token)

    def get(self, path: str) -> Any:
        answer = self.client.send("GET", self._path(path))
        assert answer.status == 200, answer.body
        return answer.json

    def post(self, path: str, body: Any = None) -> Answer:
        content = b"" if body is None else json.dumps(body).encode()
        answer = self.client.send("POST", self._path(path), content, Content_Type=JSON)
        assert answer.status < 500, answer.body
        return answer

    def asked(self, path: str, body: Any = None) -> str:
        """The address of the operation that was asked for."""
        answer = self.post(path, body)
        assert answer.status == 202, answer.body
        return str(answer.headers["Location"])

    def row(self, noun: str, name: str) -> Any:
        """The one row of that name."""
        rows = self.get(f"{noun}/?limit=1000")["results"]
        [found] = [row for row in rows if row.get("name", row.get("filename")) == name]
        return found

    def ended(self, operation: str) -> Any:
        """The operation once it has ended; what ended badly says why and what to do."""

        def end() -> Any:
            row = self.get(operation)
            return row if row["status"] not in ("queued", "running") else None

        row = wait_for(end, f"the end of {operation}", SECONDS)
        if row["status"] in ("failed", "errored"):
            assert row["error"]["message"] and row["error"]["hint"]
        return row

    def succeeded(self, operation: str) -> Any:
        row = self.ended(operation)
        assert row["status"] == "succeeded", row["error"]
        return row

    def running_step(self, operation: str) -> str:
        """The name of the step that it is in, once it is in one."""
        return str(
            wait_for(
                lambda: next(
                    (s["name"] for s in self.get(operation)["steps"] if s["status"] == "running"),
                    "",
                ),
                "a running step",
                30,
            )
        )

    @staticmethod
    def _path(path: str) -> str:
        return path if path.startswith("/") else f"/api/v1/{path}"

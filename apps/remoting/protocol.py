"""pywinrm's protocol, whose envelopes for Send and Receive are built once a process on a host.

Building an envelope anew is the dearest part of a call to a warm session; from one to the next
only the message's id and the payload differ. The envelopes are pywinrm's own: each is caught once
with marks in those two places.
"""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from defusedxml.ElementTree import fromstring
from winrm.protocol import Protocol

_MESSAGE_ID = re.compile(r"uuid:[0-9a-fA-F-]{36}(?=</a:MessageID>)")
_PAYLOAD = b"the payload"
_PAYLOAD_MARK = base64.b64encode(_PAYLOAD).decode()
_KEPT = 16  # envelopes; a session has two, and again two for each time-out it is given
_DONE = "CommandState/Done"
_UTF_8 = re.compile(rb'(<\?xml version="1\.0" encoding="utf-8"\?>\s*)?<[a-z]', re.IGNORECASE)


class _Caught(Exception):
    """Carries an envelope out of pywinrm before it is sent."""


class KeptProtocol(Protocol):
    """One thread at a time, as pywinrm's."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._envelopes: dict[tuple[Any, ...], tuple[str, str, str]] = {}
        self._is_catching = False

    def send_message(self, message: str) -> bytes:
        if self._is_catching:
            raise _Caught(message)
        return super().send_message(message)

    def send_command_input(
        self, shell_id: str, command_id: str, stdin_input: str | bytes, end: bool = False
    ) -> None:
        data = stdin_input.encode() if isinstance(stdin_input, str) else stdin_input
        head, middle, tail = self._envelope(
            ("send", shell_id, command_id, end),
            lambda: super(KeptProtocol, self).send_command_input(
                shell_id, command_id, _PAYLOAD, end
            ),
        )
        text = f"{head}uuid:{uuid.uuid4()}{middle}{base64.b64encode(data).decode()}{tail}"
        self.send_message(text)

    def get_command_output_raw(
        self, shell_id: str, command_id: str
    ) -> tuple[bytes, bytes, int, bool]:
        head, tail, _ = self._envelope(
            ("receive", shell_id, command_id),
            lambda: super(KeptProtocol, self).get_command_output_raw(shell_id, command_id),
        )
        return _read(self.send_message(f"{head}uuid:{uuid.uuid4()}{tail}"))

    def _envelope(self, key: tuple[Any, ...], build: Callable[[], Any]) -> tuple[str, str, str]:
        """What stands before the message's id, between it and the payload, and after that."""
        key = (*key, self.operation_timeout_sec)
        if key not in self._envelopes:
            if len(self._envelopes) >= _KEPT:
                self._envelopes.clear()
            self._envelopes[key] = self._caught(build)
        return self._envelopes[key]

    def _caught(self, build: Callable[[], Any]) -> tuple[str, str, str]:
        self._is_catching = True
        try:
            build()
        except _Caught as caught:
            envelope = str(caught)
        finally:
            self._is_catching = False
        found = _MESSAGE_ID.search(envelope)
        if found is None:
            raise RuntimeError("pywinrm wrote an envelope without a MessageID")
        middle, _, tail = envelope[found.end() :].partition(_PAYLOAD_MARK)
        return envelope[: found.start()], middle, tail


def _parsed(answer: bytes) -> ElementTree.Element:
    """The tree of an answer; raises ParseError or what defusedxml refuses.

    In UTF-8 a DTD would show as "<!". Without one there is nothing that the safe parser guards
    against, which takes three times as long.
    """
    if _UTF_8.match(answer) and b"<!" not in answer:
        return ElementTree.fromstring(answer)  # noqa: S314 - as said
    return fromstring(answer)


def _read(answer: bytes) -> tuple[bytes, bytes, int, bool]:
    """(stdout, stderr, exit code, has ended) of a ReceiveResponse ([MS-WSMV] 2.2.4.31)."""
    streams: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
    code, has_ended = -1, False
    for node in _parsed(answer).iter():
        name = node.tag.rpartition("}")[2]
        if name == "Stream" and node.text:
            streams[node.attrib["Name"]].append(base64.b64decode(node.text))
        elif name == "CommandState":
            has_ended = node.get("State", "").endswith(_DONE)
        elif name == "ExitCode" and node.text:
            code = int(node.text)
    return b"".join(streams["stdout"]), b"".join(streams["stderr"]), code, has_ended

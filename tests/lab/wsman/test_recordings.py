"""The lab's answers against answers that real Windows hosts gave (tests/lab/recordings).

Each recorded request is sent as it is, with the ids that the lab has given out in place of the
recorded ones; the two answers must have the same prefixes, elements, attributes and fixed texts,
in the same order, and what a command wrote must be the same bytes.
"""

from __future__ import annotations

import base64
import re
from itertools import groupby
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
import requests
import yaml
from defusedxml.ElementTree import fromstring

from .machines import N1, PASSWORD

RECORDINGS = Path(__file__).parent.parent / "recordings"
NAMES = sorted(path.stem for path in RECORDINGS.glob("*.yml"))
VARIES = {"MessageID", "RelatesTo", "Address", "ShellId", "Owner", "ClientIP", "CommandId"}
IDS = re.compile(r"[0-9A-F]{8}-(?:[0-9A-F]{4}-){3}[0-9A-F]{12}")
UUID = "00000000-0000-0000-0000-000000000000"
OPENING = re.compile(r"<s:Envelope[^>]*>")
#: The recorded wait in quick motion: the output comes in the middle of the third Receive after it.
FASTER = {"Start-Sleep 30": "Start-Sleep 7.5", "PT10S": "PT3S"}


def recorded(name: str) -> list[dict]:
    return yaml.safe_load((RECORDINGS / f"{name}.yml").read_text())["messages"]


def skeleton(xml: str) -> list:
    """An answer as nested lists, without what differs from host to host."""
    return [OPENING.match(xml).group(), node(fromstring(xml))]


def node(element: Element) -> list | None:
    name = element.tag.rpartition("}")[2]
    if name == "ActivityId":  # newer builds only
        return None
    attributes = {k.rpartition("}")[2]: IDS.sub(UUID, v) for k, v in element.items()}
    attributes.pop("Machine", None)
    text = "" if name in VARIES else IDS.sub(UUID, (element.text or "").strip())
    children = [n for n in map(node, element) if n]
    return [element.tag, attributes, text, joined(children)]


def joined(children: list) -> list:
    """Pieces of one stream as one: in how many of them a program writes is no protocol's matter."""
    found = []
    for is_piece, run in groupby(
        children, lambda n: n[0].endswith("}Stream") and "End" not in n[1]
    ):
        if not is_piece:
            found += run
            continue
        for _, pieces in groupby(run, lambda n: n[1]):
            tag, attributes, *_ = first = next(pieces)
            data = b"".join(base64.b64decode(n[2]) for n in (first, *pieces))
            found.append([tag, attributes, data, []])
    return found


def without_text(answer: list) -> list:
    """Which files a folder holds differs from host to host."""

    def bare(part):
        return b"" if isinstance(part, bytes) else without_text(part)

    return [bare(part) if isinstance(part, bytes | list) else part for part in answer]


class Replay:
    """Sends recorded requests and swaps the ids that the two hosts gave out."""

    def __init__(self, server) -> None:
        self._url = f"https://{N1}:{server.tls_port}/wsman"
        self._ca = str(server.ca_file)
        self._ids: dict[str, str] = {}

    def send(self, message: dict) -> tuple[int, str]:
        body = message["request"]
        for theirs, ours in (FASTER | self._ids).items():
            body = body.replace(theirs, ours)
        answer = requests.post(
            self._url,
            body.encode(),
            auth=(b"portal", PASSWORD.encode()),
            headers={"Content-Type": "application/soap+xml;charset=UTF-8"},
            verify=self._ca,
            proxies={"https": ""},
            timeout=30,
        )
        self._learn(message["response"], answer.text)
        return answer.status_code, answer.text

    def _learn(self, theirs: str, ours: str) -> None:
        for tag in ("ShellId", "CommandId"):
            pattern = re.compile(rf"<rsp:{tag}>([^<]+)")
            old, new = pattern.search(theirs), pattern.search(ours)
            if old and new:
                self._ids[old.group(1)] = new.group(1)


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_is_as_windows_gave_it(server, name):
    replay = Replay(server)
    compared = 0

    for message in recorded(name):
        status, answer = replay.send(message)
        ours, theirs = skeleton(answer), skeleton(message["response"])
        if b"Directory of" in written(theirs):
            ours, theirs = without_text(ours), without_text(theirs)

        assert status == message.get("transport_error", {}).get("code", 200)
        assert ours == theirs
        compared += 1

    assert compared >= 5


def written(answer: list) -> bytes:
    return b"".join(
        part if isinstance(part, bytes) else written(part)
        for part in answer
        if isinstance(part, bytes | list)
    )

"""The lab's answers against answers that real Windows hosts gave (tests/lab/recordings).

Each recorded request is sent as it is, with the ids that the lab has given out in place of the
recorded ones; the two answers must have the same elements, attributes and fixed texts.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
import requests
import yaml
from defusedxml.ElementTree import fromstring

from .machines import N1, PASSWORD

RECORDINGS = Path(__file__).parent.parent / "recordings"
VARIES = {"MessageID", "RelatesTo", "Address", "ShellId", "Owner", "ClientIP", "CommandId"}
IDS = re.compile(r"[0-9A-F]{8}-(?:[0-9A-F]{4}-){3}[0-9A-F]{12}")
UUID = "00000000-0000-0000-0000-000000000000"


def recorded(name: str) -> list[dict]:
    return yaml.safe_load((RECORDINGS / f"{name}.yml").read_text())["messages"]


def skeleton(xml: str) -> list:
    """An answer as nested lists, without what differs from host to host."""

    def node(element: Element) -> list | None:
        name = element.tag.rpartition("}")[2]
        if name == "ActivityId":  # newer builds only
            return None
        attributes = {k.rpartition("}")[2]: IDS.sub(UUID, v) for k, v in element.items()}
        attributes.pop("Machine", None)
        text = "" if name in VARIES else IDS.sub(UUID, (element.text or "").strip())
        return [element.tag, attributes, text, [n for n in map(node, element) if n]]

    return node(fromstring(xml))


class Replay:
    """Sends recorded requests and swaps the ids that the two hosts gave out."""

    def __init__(self, server) -> None:
        self._url = f"https://{N1}:{server.tls_port}/wsman"
        self._ca = str(server.ca_file)
        self._ids: dict[str, str] = {}

    def send(self, message: dict) -> tuple[int, str]:
        body = message["request"]
        for theirs, ours in self._ids.items():
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


def status_of(message: dict) -> int:
    return message.get("transport_error", {}).get("code", 200)


def test_a_command_from_create_to_delete_is_answered_as_windows_answers(server):
    replay = Replay(server)

    for message in recorded("winrs_standard"):
        status, answer = replay.send(message)

        assert status == status_of(message)
        assert skeleton(answer) == skeleton(message["response"])


@pytest.mark.parametrize("name", ["winrs_bad_cmd_id", "winrs_no_cmd_shell"])
def test_faults_are_worded_as_windows_words_them(server, name):
    replay = Replay(server)
    faults = 0

    for message in recorded(name):
        status, answer = replay.send(message)
        if status_of(message) == 500:
            faults += 1
            assert (status, skeleton(answer)) == (500, skeleton(message["response"]))

    assert faults == 1


def test_a_quiet_receive_ends_in_the_fault_of_windows(server, machines):
    quiet = next(m for m in recorded("winrs_operation_timeout") if status_of(m) == 500)
    create, command = recorded("winrs_operation_timeout")[:2]
    waiting = command["request"].replace(
        "Write-Host hi; Start-Sleep 30; Write-Host hi again", "-Command wait"
    )
    machines.behaviours["wait"] = lambda parameters, emit, cancelled: cancelled.wait()
    replay = Replay(server)
    replay.send(create)
    replay.send(command | {"request": waiting})

    status, answer = replay.send(quiet | {"request": quiet["request"].replace("PT10S", "PT1S")})

    assert (status, skeleton(answer)) == (500, skeleton(quiet["response"]))

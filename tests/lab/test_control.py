"""The control address and the guardian service, over real sockets."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import canonicalize

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import pkcs7

from apps.lab import hgs
from apps.lab.cmdlets.errors import ScriptCancelled
from apps.lab.control import ControlServer
from apps.lab.engine import APPS, run_script
from apps.lab.world import World, parse
from tests.waiting import wait_for

FABRIC = r"""
guardian_services: [{name: g, mode: tpm, address: g.example}]
timing: {move_ms: 3600000}
clusters:
  - name: c
    guardian: g
    nodes: [{name: n1, memory_gib: 32}, {name: n2}]
    volumes: [{name: V, size_gib: 100, used_gib: 50}]
    switches: [{name: S}]
    vms:
      - {name: 'a/b <c>&"%é', node: n1, state: Running, protection: shielded}
      - {name: twin, node: n1}
      - {name: twin, node: n2}
"""
ODD = 'a/b <c>&"%é'


class Control:
    def __init__(self, server: ControlServer) -> None:
        self.url, self.world = server.url, server.world

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, content, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)

    def state(self) -> Any:
        return self("GET", "/state")[1]


@pytest.fixture
def control() -> Iterator[Control]:
    server = ControlServer(World(parse(FABRIC)))
    server.start()
    yield Control(server)
    server.stop()


def test_state_has_the_shape_that_is_promised(control: Control) -> None:
    state = control.state()
    cluster = state["clusters"][0]

    assert set(state) == {"guardian_services", "clusters", "calls"}
    assert state["guardian_services"] == [
        {"name": "g", "mode": "tpm", "hosts": {"n1": "Passed", "n2": "Passed"}}
    ]
    assert cluster["nodes"][0] == {
        "name": "n1", "power": "on", "paused": False, "memory_gib": 32,
        "attestation": {"status": "Passed", "sub_status": []},
    }  # fmt: skip
    assert cluster["switches"] == [{"name": "S"}]
    assert set(cluster["volumes"][0]) == {"name", "size_bytes", "used_bytes", "files"}
    assert cluster["volumes"][0]["used_bytes"] == 50 << 30
    assert set(cluster["vms"][0]) == {
        "name", "id", "node", "state", "protection", "clustered", "dvds", "boots_from",
        "template_sha256", "shielding_data_sha256",
    }  # fmt: skip
    assert set(state["calls"]) == {"requests", "scripts", "cmdlets"}


def test_a_vm_of_any_name_is_changed_and_removed(control: Control) -> None:
    path = "/vms/" + quote(ODD, safe="")
    status, row = control("POST", path, {"state": "Off", "node": "n2", "protection": "vtpm"})

    assert (status, row["state"], row["node"], row["protection"]) == (200, "Off", "n2", "VTpm")
    assert control("DELETE", path)[0] == 200
    assert ODD not in [vm["name"] for vm in control.state()["clusters"][0]["vms"]]
    assert control("DELETE", path)[0] == 404


def test_of_two_vms_of_one_name_one_is_named_by_its_id(control: Control) -> None:
    assert control("POST", "/vms/twin", {"state": "Running"})[0] == 409

    vm = control.state()["clusters"][0]["vms"][2]
    assert control("POST", f"/vms/{vm['id']}", {"state": "Running"})[1]["id"] == vm["id"]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/hosts/n1", {"power": "maybe"}, "power"),
        ("/hosts/n1", {"attestation": {"status": "Fine"}}, "attestation.status"),
        ("/hosts/n1", {"faults": [{"kind": "error"}]}, "on: is missing"),
        ("/hosts/n1", {"latency": 5}, "latency is not known"),
        ("/hosts/n1", {"wire_faults": [{"kind": "melt"}]}, "wire_faults[0].kind"),
        ("/hosts/n1", {"wire_faults": [{"kind": "cut", "on": "Get"}]}, "wire_faults[0].on"),
        ("/hosts/n1", {"clock_seconds": "late"}, "clock_seconds"),
        ("/guardian-services/g", {"wire_faults": [{"kind": "cut", "at": -2}]}, "at: -2"),
        ("/vms/twin", [], "a mapping is wanted"),
        ("/volumes/V", {"used_gib": 101}, "holds 100 GiB"),
        (f"/vms/{quote(ODD, safe='')}", {"node": "n9"}, "no node"),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(
    control: Control, path: str, body: Any, words: str
) -> None:
    before = control.state()

    status, told = control("POST", path, body)

    assert status in (400, 409)
    assert words in told["error"] or status == 409
    assert control.state() == before


def test_a_host_loses_power_and_verdict_and_reset_puts_all_back(control: Control) -> None:
    before = control.state()
    verdict = {"status": "InsecureHostConfiguration", "sub_status": ["SecureBoot", "Iommu"]}

    control("POST", "/hosts/n2", {"attestation": verdict, "latency_ms": 5})
    control("POST", "/hosts/n1", {"power": "off"})

    cluster = control.state()["clusters"][0]
    assert cluster["nodes"][1]["attestation"] == verdict
    assert cluster["vms"][0]["state"] == "Off"  # shielded: nobody attested is left to run it
    assert control("POST", "/reset")[0] == 200
    assert control.state() == before


def test_faults_are_used_up_and_an_empty_list_takes_them_away(control: Control) -> None:
    fault = {"on": "Start-VM", "kind": "error", "message": "no", "times": 2}
    control("POST", "/hosts/n1", {"faults": [fault, {"on": "Stop-VM", "kind": "drop"}]})
    take = control.world.take_fault

    assert [bool(take("n1", "start-vm")) for _ in range(3)] == [True, True, False]
    assert take("n2", "Stop-VM") is None
    assert take("n1", "Stop-VM")
    control("POST", "/hosts/n1", {"faults": []})
    assert take("n1", "Stop-VM") is None


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310
        return bytes(reply.read())


@pytest.fixture
def guardian(tmp_path: Path) -> Iterator[hgs.GuardianServer]:
    row = parse(FABRIC).guardians[0]
    server = hgs.GuardianServer(row, hgs.keys_of(tmp_path, row), "127.0.0.1", 0)
    server.start()
    yield server
    server.stop()


def test_the_guardian_tells_its_mode_and_its_signers(guardian: hgs.GuardianServer) -> None:
    info = json.loads(_get(f"{guardian.url}/Attestation/getinfo"))
    signers = _get(f"{guardian.url}/Attestation/v2.0/signingCertificates")

    assert next(iter(info)) == "__type"
    assert info["OperationMode"] == 1
    assert pkcs7.load_der_pkcs7_certificates(signers) == [guardian.keys.attestation.certificate]


def _between(text: str, name: str) -> str:
    """What stands in the first element of this name."""
    found = re.search(f"<{name}>(.*?)</{name}>", text)
    assert found is not None
    return found[1]


def test_its_metadata_is_signed_and_stays_the_same_over_restarts(
    guardian: hgs.GuardianServer, tmp_path: Path
) -> None:
    content = _get(f"{guardian.url}/KeyProtection/service/metadata/2014-07/metadata.xml")
    text = content.decode().partition("?>")[2].strip()
    signature = re.search("<Signature .*</Signature>", text)
    assert signature is not None
    signing = base64.b64decode(_between(text, "SigningCertificate"))

    signed = f'<SignedInfo xmlns="{hgs.DSIG}">{_between(signature[0], "SignedInfo")}</SignedInfo>'
    value = base64.b64decode(_between(signature[0], "SignatureValue"))
    key = x509.load_der_x509_certificate(signing).public_key()
    key.verify(value, canonicalize(signed).encode(), padding.PKCS1v15(), hashes.SHA256())
    digest = hashlib.sha256(canonicalize(text.replace(signature[0], "")).encode()).digest()
    assert base64.b64decode(_between(signature[0], "DigestValue")) == digest
    assert hgs.keys_of(tmp_path, guardian.guardian).signing.der == signing


def test_a_script_is_held_until_it_is_let_go_or_ends_there(control: Control) -> None:
    world = control.world
    script = APPS / "vms/scripts/Get-VMSecurityState.ps1"
    parameters = {"VMId": world.vms_named("twin")[0][1].id}

    def begin() -> Future[Any]:
        text = script.read_text(encoding="utf-8")
        never = threading.Event()
        return pool.submit(run_script, world, "n1", text, parameters, lambda line: None, never)

    with ThreadPoolExecutor(1) as pool:
        for when, way in (("before", "go"), ("after", "drop")):
            told = control("POST", "/holds/Get-VMSecurityState", {"nth": 2, "when": when})[1]
            assert told["holds"][-1]["state"] == "waiting"
            assert begin().result(10)["state"] == "Off"
            second = begin()
            wait_for(lambda: _held(control) == "held", "the second run")

            control("POST", "/holds/Get-VMSecurityState", {"release": way})

            if way == "go":
                assert second.result(10)["state"] == "Off"
            else:
                with pytest.raises(ScriptCancelled):
                    second.result(10)
            assert _held(control) == "over"
    assert control("POST", "/holds/x", {"when": "amid"})[0] == 400


def _held(control: Control) -> str:
    return str(control("GET", "/holds")[1]["holds"][-1]["state"])

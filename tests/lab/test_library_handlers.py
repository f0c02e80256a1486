"""What a lab host does for the library: fetches over real HTTPS, keeps files, reads them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from apps.lab import engine
from apps.lab.cmdlets.errors import CmdletError
from apps.lab.files import keys
from apps.lab.files.samples import Workshop
from apps.lab.management.commands.lab import DEFAULT
from apps.lab.world import World, files, read
from apps.lab.wsman.pki import Authority
from tests.waiting import wait_for

APPS = Path(engine.__file__).resolve().parents[1]
CONTENT = hashlib.shake_256(b"content").digest(3 << 20)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SECRET = "/content/s3cret/"


class Portal(ThreadingHTTPServer):
    """Serves CONTENT at SECRET. `cuts`: how often it breaks off half-way; `status` to answer."""

    daemon_threads = True

    def __init__(self, authority: Authority) -> None:
        self.asked: list[tuple[str, str]] = []  # from which address, which range
        self.cuts, self.status, self.content = 0, 200, CONTENT
        self.go_on = threading.Event()
        self.go_on.set()
        super().__init__(("127.0.0.1", 0), _Handler)
        context = authority.certificate_for("127.0.0.1", ["localhost"]).context
        self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_address[1]}{SECRET}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that refuses the certificate is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Portal

    def log_message(self, format: str, *args: Any) -> None: ...

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        self.server.asked.append((self.client_address[0], wanted))
        content = self.server.content[int(wanted[6:-1]) if wanted else 0 :]
        status = self.server.status if self.server.status != 200 else 206 if wanted else 200
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if status >= 400:
            return
        half = len(content) // 2
        self.wfile.write(content[:half])
        self.wfile.flush()
        self.server.go_on.wait(10)
        if self.server.cuts:
            self.server.cuts -= 1
            self.close_connection = True
            return
        self.wfile.write(content[half:])


class Host:
    """A host of a lab: runs scripts by their names."""

    def __init__(self, world: World) -> None:
        self.world, self.cluster = world, world.clusters[0]
        self.node, self.volume = self.cluster.nodes[0], self.cluster.volumes[0]
        self.told: list[dict[str, Any]] = []

    def text(self, name: str) -> str:
        return next(APPS.glob(f"*/scripts/{name}.ps1")).read_text(encoding="utf-8")

    def run(self, name: str, **parameters: Any) -> Any:
        return engine.run_script(
            self.world, self.node.name, self.text(name), parameters, self.told.append,
            threading.Event(),
        )  # fmt: skip

    def path(self, name: str) -> str:
        return f"{self.volume.path}\\FabricPortal\\library\\{name}"

    def put(self, name: str, file: Path) -> str:
        with self.world.locked():
            files.put(self.world, self.cluster, self.path(name), file.read_bytes())
        return self.path(name)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "tls")


@pytest.fixture
def portal(authority: Authority) -> Iterator[Portal]:
    server = Portal(authority)
    yield server
    server.go_on.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    world = World(read(DEFAULT), tmp_path / "lab")
    yield Host(world)
    world.close()


def _wanted(portal: Portal, host: Host, authority: Authority, **changed: Any) -> dict[str, Any]:
    return {
        "Url": portal.url,
        "Sha256": SHA256.upper(),
        "SizeBytes": len(CONTENT),
        "Destination": host.path(f"{SHA256}.vhdx"),
        "CaCertificate": authority.ca_file.read_text(),
    } | changed


def test_fetches_from_its_own_address_and_keeps_the_file(
    portal: Portal, host: Host, authority: Authority
) -> None:
    wanted = _wanted(portal, host, authority)
    free = host.volume.used_bytes

    first = host.run("Receive-Content", **wanted)
    again = host.run("Receive-Content", **wanted)

    assert first == {
        "path": wanted["Destination"],
        "sha256": SHA256,
        "size_bytes": len(CONTENT),
        "reused": False,
    }
    assert again == {**first, "reused": True}
    assert portal.asked == [(host.node.address, "")]
    assert host.volume.used_bytes == free + len(CONTENT)
    row = host.volume.files[wanted["Destination"]]
    assert (host.world.blob_folder / row.blob).read_bytes() == CONTENT


def test_a_cut_transfer_goes_on_where_it_was(
    portal: Portal, host: Host, authority: Authority
) -> None:
    portal.cuts = 2

    told = host.run("Receive-Content", **_wanted(portal, host, authority))

    half = len(CONTENT) // 2
    assert told["reused"] is False
    assert [asked for _, asked in portal.asked] == [
        "",
        f"bytes={half}-",
        f"bytes={half + (len(CONTENT) - half) // 2}-",
    ]


def test_other_content_than_announced_is_not_kept(
    portal: Portal, host: Host, authority: Authority
) -> None:
    portal.content = CONTENT[:-1] + b"\0"

    with pytest.raises(CmdletError, match="size or SHA-256 differs") as caught:
        host.run("Receive-Content", **_wanted(portal, host, authority))

    assert host.path(f"{SHA256}.vhdx") not in host.volume.files
    assert "s3cret" not in caught.value.message


def test_an_address_that_is_no_longer_good_ends_at_once(
    portal: Portal, host: Host, authority: Authority
) -> None:
    portal.status = 404

    with pytest.raises(CmdletError, match="HTTP 404"):
        host.run("Receive-Content", **_wanted(portal, host, authority))

    assert len(portal.asked) == 1


def test_a_certificate_of_somebody_else_is_refused(
    portal: Portal, host: Host, authority: Authority, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other").ca_file.read_text()

    with pytest.raises(CmdletError, match="trust relationship"):
        host.run("Receive-Content", **_wanted(portal, host, authority, CaCertificate=other))

    assert portal.asked == []


def test_trusts_the_authority_of_the_data_folder_where_none_is_named(
    portal: Portal, host: Host, authority: Authority
) -> None:
    told = host.run("Receive-Content", **_wanted(portal, host, authority, CaCertificate=""))

    assert told["reused"] is False


def test_a_volume_without_room_is_told(portal: Portal, host: Host, authority: Authority) -> None:
    host.volume.other_bytes += host.volume.size_bytes - host.volume.used_bytes

    with pytest.raises(CmdletError, match="not enough space"):
        host.run("Receive-Content", **_wanted(portal, host, authority))

    assert portal.asked == []


def test_a_job_goes_on_by_itself_and_can_be_stopped(
    portal: Portal, host: Host, authority: Authority
) -> None:
    portal.go_on.clear()
    wanted, job = _wanted(portal, host, authority), str(uuid.uuid4())
    start = {
        "JobId": job,
        "RunnerText": host.text("Invoke-HostJob"),
        "ScriptText": host.text("Receive-Content"),
        "ParametersJson": json.dumps(wanted),
    }

    def state() -> str:
        return str(host.run("Get-HostJob", JobId=job)["status"]["state"])

    host.run("Start-HostJob", **start)
    host.run("Start-HostJob", **start)
    wait_for(lambda: portal.asked, "the host asks")
    assert state() == "running"
    with pytest.raises(CmdletError, match="still running"):
        host.run("Remove-HostJob", JobId=job)

    portal.go_on.set()
    wait_for(lambda: state() == "succeeded", "the job ends")
    assert len(portal.asked) == 1
    assert host.run("Get-HostJob", JobId=job)["status"]["result"]["sha256"] == SHA256
    assert host.run("Remove-HostJob", JobId=job) == {"removed": True}
    assert state() == "gone"


def test_a_stopped_job_and_one_of_a_host_that_went_off_have_failed(
    portal: Portal, host: Host, authority: Authority
) -> None:
    portal.go_on.clear()
    stopped, lost = str(uuid.uuid4()), str(uuid.uuid4())
    for job in (stopped, lost):
        wanted = _wanted(portal, host, authority, Destination=host.path(job))
        host.run(
            "Start-HostJob", JobId=job, RunnerText="-", ScriptText=host.text("Receive-Content"),
            ParametersJson=json.dumps(wanted),
        )  # fmt: skip

    assert host.run("Stop-HostJob", JobId=stopped) == {"stopped": True}
    with host.world.locked():
        host.node.booted_at += 60
    found = [host.run("Get-HostJob", JobId=job)["status"] for job in (stopped, lost)]

    assert [one["state"] for one in found] == ["failed", "failed"]
    assert [one["error"]["error_id"] for one in found] == ["JobStopped", "JobProcessEnded"]


def test_reads_what_a_pair_says_of_itself(host: Host, tmp_path: Path) -> None:
    lab = host.world.blob_folder.parent
    guardians = [keys.guardian_party(lab, row) for row in host.world.guardians]
    made = {one.name: one for one in Workshop(tmp_path / "out", lab, guardians, 7).all()}
    good, other = made["contoso-web"], made["contoso-other-template"]
    disk, data = host.put("d.vhdx", Path(good.template_disk)), Path(good.shielding_data)
    catalog = host.path("d.vsc")

    told = host.run("Get-TemplateDiskFacts", Path=disk, CatalogPath=catalog)
    facts = host.run("Get-ShieldingDataFacts", Path=host.put("good.pdk", data))
    verdicts = [
        host.run("Test-PairApplicability", CatalogPath=catalog, ShieldingDataPath=path)
        for path in (
            host.path("good.pdk"),
            host.put("other.pdk", Path(other.shielding_data)),
            host.put("newer.pdk", Path(made["contoso-newer-version"].shielding_data)),
        )
    ]

    assert told["catalog"]["version"] == "1.0.7.0"
    assert told["catalog_sha256"] == host.volume.files[catalog].sha256
    assert (facts["policy"], facts["purpose"]) == ("Shielded", "NewVM")
    assert facts["qualifiers"][0] == {**told["catalog"], "version_rule": "Equals"}
    assert len(facts["guardians"]) == len(host.world.guardians)
    assert facts["substitution_keys"] == good.substitutions
    assert [one["code"] for one in verdicts] == ["applies", "name-differs", "version-differs"]
    assert [one["applicable"] for one in verdicts] == [True, False, False]


def test_refuses_what_is_no_such_file_in_windows_words(host: Host, tmp_path: Path) -> None:
    lab = host.world.blob_folder.parent
    made = {one.name: one for one in Workshop(tmp_path / "out", lab, [], 7).all()}
    tampered = host.put("t.pdk", Path(made["contoso-tampered-data"].shielding_data))
    disk = host.put("d.vhdx", Path(made["contoso-web"].template_disk))

    with pytest.raises(CmdletError, match="digital signature of the object did not verify"):
        host.run("Get-ShieldingDataFacts", Path=tampered)
    with pytest.raises(CmdletError, match="The data is invalid"):
        host.run("Get-ShieldingDataFacts", Path=disk)
    with pytest.raises(CmdletError, match="corrupted"):
        host.run("Get-TemplateDiskFacts", Path=tampered, CatalogPath=host.path("t.vsc"))
    with pytest.raises(CmdletError, match="cannot find the file"):
        host.run("Get-ShieldingDataFacts", Path=host.path("nothing.pdk"))


def test_removing_files_frees_their_space_and_their_bytes(host: Host, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    free = host.volume.used_bytes
    paths = [host.put("a.pdk", file), host.put("b.pdk", file)]

    assert host.run("Remove-StagedFile", Paths=paths[:1]) == {"removed": paths[:1]}
    assert [one.read_bytes() for one in host.world.blob_folder.iterdir()] == [b"content"]
    assert host.run("Remove-StagedFile", Paths=paths) == {"removed": paths[1:]}
    assert list(host.world.blob_folder.iterdir()) == []
    assert host.volume.used_bytes == free


def test_a_disk_that_was_not_protected_is_refused_in_windows_words(
    host: Host, tmp_path: Path
) -> None:
    blank = tmp_path / "blank.vhdx"
    subprocess.run(["qemu-img", "create", "-q", "-f", "vhdx", str(blank), "64M"], check=True)

    with pytest.raises(CmdletError, match="catalog could not be found") as caught:
        host.run(
            "Get-TemplateDiskFacts", Path=host.put("b.vhdx", blank), CatalogPath=host.path("b.vsc")
        )

    assert caught.value.error_id == "0x80070490,Save-VolumeSignatureCatalog"
    assert host.path("b.vsc") not in host.volume.files

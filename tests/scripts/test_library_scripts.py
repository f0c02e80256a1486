"""The library's scripts on a PowerShell engine: what they read agrees with the lab's handlers, and
Receive-Content's own text really fetches.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from apps.lab import engine
from apps.lab.cmdlet_server import CmdletServer
from apps.lab.cmdlets.errors import CmdletError
from apps.lab.files import keys
from apps.lab.files.samples import Sample, Workshop
from apps.lab.management.commands.lab import DEFAULT
from apps.lab.world import World, files, read
from tests.scripts import pwsh

pytestmark = pwsh.needs_engine
LIBRARY = "C:\\ClusterStorage\\Volume1\\FabricPortal\\library\\"
CONTENT = hashlib.shake_256(b"content").digest(300_000)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "powershell-cmdlets.json"
    path.write_bytes(gzip.decompress(pwsh.TABLE.read_bytes()))
    return path


class Both:
    """Two lab hosts with the same files: one whose scripts run on the engine, one by handlers."""

    def __init__(self, folder: Path, made: Path, samples: dict[str, Sample], table: Path) -> None:
        self.samples = samples
        for name in "ab":
            shutil.copytree(made / "lab", folder / name / "lab")
        self.worlds = [World(read(DEFAULT), folder / name / "lab") for name in "ab"]
        self.host = self.worlds[0].clusters[0].nodes[0].name
        self.server = CmdletServer(self.worlds[0])
        self.server.start()
        self.table = table

    def close(self) -> None:
        self.server.stop()
        for world in self.worlds:
            world.close()

    def put(self, name: str, file: str) -> str:
        for world in self.worlds:
            with world.locked():
                files.put(world, world.clusters[0], LIBRARY + name, Path(file).read_bytes())
        return LIBRARY + name

    def agree(self, name: str, **parameters: Any) -> Any:
        """What both say: a document, or an error's words."""
        kind, told, _ = pwsh.run(name, parameters, self.server.url_of(self.host), self.table)
        wanted: Any
        try:
            wanted = engine.run_script(
                self.worlds[1], self.host, pwsh.script(name).read_text(), parameters,
                lambda progress: None, threading.Event(),
            )  # fmt: skip
        except CmdletError as error:
            wanted, told = error.message, told["message"] if kind == "e" else told
        assert told == wanted
        return told


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("made")


@pytest.fixture(scope="module")
def samples(made: Path) -> dict[str, Sample]:
    guardians = [keys.guardian_party(made / "lab", row) for row in read(DEFAULT).guardians]
    shop = Workshop(made / "out", made / "lab", guardians, 1)
    return {one.name: one for one in shop.all()}


@pytest.fixture
def both(tmp_path: Path, made: Path, samples: dict[str, Sample], table: Path) -> Iterator[Both]:
    pair = Both(tmp_path, made, samples, table)
    yield pair
    pair.close()


def _catalog(both: Both, sample: Sample) -> str:
    both.put("disk.vhdx", sample.template_disk)
    both.agree("Get-TemplateDiskFacts", Path=LIBRARY + "disk.vhdx", CatalogPath=LIBRARY + "d.vsc")
    return LIBRARY + "d.vsc"


def test_what_files_say_agrees(both: Both) -> None:
    good = both.samples["fabrikam-ledger"]
    _catalog(both, good)
    again = both.agree(
        "Get-TemplateDiskFacts", Path=LIBRARY + "disk.vhdx", CatalogPath=LIBRARY + "d.vsc"
    )
    facts = both.agree("Get-ShieldingDataFacts", Path=both.put("good.pdk", good.shielding_data))

    assert facts["qualifiers"] == [{**again["catalog"], "version_rule": "GreaterThanOrEquals"}]
    assert facts["substitution_keys"] == ["@ComputerName@"]
    assert [len(one["thumbprints"]) for one in facts["guardians"]] == [2] * len(facts["guardians"])


@pytest.mark.parametrize(
    ("name", "code"),
    [("contoso-web", "applies"), ("contoso-other-template", "name-differs"),
     ("contoso-newer-version", "version-differs")],
)  # fmt: skip
def test_verdicts_on_pairs_agree(both: Both, name: str, code: str) -> None:
    sample = both.samples[name]
    catalog, data = _catalog(both, sample), both.put("data.pdk", sample.shielding_data)

    told = both.agree("Test-PairApplicability", CatalogPath=catalog, ShieldingDataPath=data)

    assert (told["applicable"], told["code"]) == (code == "applies", code)


def test_refusals_and_removals_agree(both: Both) -> None:
    sample = both.samples["contoso-tampered-data"]
    data = both.put("data.pdk", sample.shielding_data)

    assert "did not verify" in both.agree("Get-ShieldingDataFacts", Path=data)
    assert "is no shielding data file" in both.agree(
        "Get-ShieldingDataFacts", Path=_catalog(both, sample)
    )
    assert both.agree("Remove-StagedFile", Paths=[data, data]) == {"removed": [data]}


# ---- Receive-Content's own text
class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None: ...

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        self.server.asked.append(wanted)  # type: ignore[attr-defined]
        content = CONTENT[int(wanted[6:-1]) if wanted else 0 :]
        status = 404 if self.path == "/gone" else 206 if wanted else 200
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def portal() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.asked = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def receive(both: Both, portal: ThreadingHTTPServer, tmp_path: Path) -> Callable[..., Any]:
    def run(path: str = "/content", sha256: str = hashlib.sha256(CONTENT).hexdigest()) -> Any:
        wanted = {
            "Url": f"http://127.0.0.1:{portal.server_address[1]}{path}",
            "Sha256": sha256,
            "SizeBytes": len(CONTENT),
            "Destination": str(tmp_path / "library" / "file"),
        }
        return pwsh.run("Receive-Content", wanted, both.server.url_of(both.host), both.table)

    return run


def test_the_script_fetches_resumes_and_reuses(
    receive: Callable[..., Any], portal: Any, tmp_path: Path
) -> None:
    part = tmp_path / "library" / "file.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT[:1000])

    first, again = receive(), receive()

    assert (first[0], first[1]["reused"]) == ("r", False), first
    assert (again[0], again[1]["reused"]) == ("r", True)
    assert portal.asked == ["bytes=1000-"]
    assert (tmp_path / "library" / "file").read_bytes() == CONTENT
    assert not part.exists()


def test_the_script_refuses_other_content_and_a_dead_address(
    receive: Callable[..., Any], tmp_path: Path
) -> None:
    kind, wrong, _ = receive(sha256="0" * 64)
    gone_kind, gone, _ = receive(path="/gone")

    assert (kind, gone_kind) == ("e", "e")
    assert "size or SHA-256 differs" in wrong["message"]
    assert "HTTP 404" in gone["message"]
    assert "/gone" not in gone["message"]
    assert not (tmp_path / "library" / "file").exists()

"""The library's scripts both ways: what files say, and how content is fetched.

The engine fetches into a real folder, the lab's host onto its volume; the words of the network are
the machine's own, and only the script's words about them are compared.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from apps.lab import cmdlets
from apps.lab.files.samples import Sample
from apps.lab.world import Fault
from tests.scripts import pwsh
from tests.scripts.conftest import Made
from tests.scripts.powershell import PowerShell, Told, marked
from tests.scripts.twins import Reached, Twins, require_same
from tests.scripts.worlds import healthy

pytestmark = [pwsh.needs_engine, pytest.mark.usefixtures("no_pauses")]

VOLUME = "C:\\ClusterStorage\\Volume1"
LIBRARY = f"{VOLUME}\\FabricPortal\\library\\"
HOST = "hci01-n1"
CONTENT = hashlib.shake_256(b"content").digest(300_000)
RIGHT = hashlib.sha256(CONTENT).hexdigest()
WORDS = (
    "The file could not be fetched from the portal: ",
    "The connection to the portal was cut; ",
)


class Both:
    """Two lab hosts with the same files."""

    def __init__(self, twins: Twins, samples: dict[str, Sample]) -> None:
        self.twins, self.samples = twins, samples

    def put(self, name: str, file: str) -> str:
        self.twins.put(LIBRARY + name, Path(file).read_bytes())
        return LIBRARY + name

    def agree(self, name: str, **parameters: Any) -> Any:
        """What both say: a document, or an error's message."""
        told = self.twins.agree(HOST, name, parameters)
        return told.document if told.kind == "r" else told.record[0]


@pytest.fixture
def both(powershell: PowerShell, tmp_path: Path, made: Made) -> Iterator[Both]:
    twins = Twins(powershell, healthy().definition, tmp_path, lab=made.lab)
    yield Both(twins, made.samples)
    twins.close()


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


# ---- Receive-Content
class _Handler(BaseHTTPRequestHandler):
    """/content, all of it or from a byte on; /short, of which the last half never comes; /gone."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None: ...

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        self.server.asked.append(wanted)  # type: ignore[attr-defined]
        content = CONTENT[int(wanted[6:-1]) if wanted else 0 :]
        known = {"/gone": 404, "/broken": 500}
        status = known.get(self.path, 206 if wanted else 200)
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        half = self.path == "/short" and len(content) > 1
        self.wfile.write(content[: len(content) // 2] if half else content)
        self.close_connection = half


@pytest.fixture
def portal() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.asked = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


class Receiver:
    """Fetches on both hosts; `folder` is the engine's "volume"."""

    NAME = "Receive-Content"

    def __init__(self, both: Both, portal: Any, folder: Path) -> None:
        self.twins, self.portal, self.folder = both.twins, portal, folder
        self.reached = Reached(self.NAME, both.twins.powershell)
        folder.mkdir()

        self.file = folder / "file"

    def put_part(self, content: bytes) -> None:
        """What came before a cut."""
        self.file.with_name(f"{self.file.name}.part").write_bytes(content)
        world, cluster = self.twins.worlds[1], self.twins.worlds[1].cluster_of(HOST)
        name = hashlib.sha256(f"{cluster.name}/{VOLUME.casefold()}\\file".encode()).hexdigest()
        (world.blob_folder / f"{name}.part").write_bytes(content)

    def agree(
        self, path: str = "/content", here: Mapping[str, Any] = MappingProxyType({}), **more: Any
    ) -> Told:
        """What the engine says, once the handler has said the same of its own place; `here` are
        parameters that only the engine gets.
        """
        address = f"http://127.0.0.1:{self.portal.server_address[1]}{path}"
        given = {"Url": address, "Sha256": RIGHT.upper(), "SizeBytes": len(CONTENT), **more}
        text = pwsh.script(self.NAME).read_text(encoding="utf-8")
        self.twins.powershell.point(self.twins.server.url_of(HOST))
        told = self.twins.powershell.run(
            marked(text), {**given, "Destination": str(self.file), **here}
        )
        asked, self.portal.asked[:] = list(self.portal.asked), []
        place = f"{VOLUME}\\file"
        wanted = self.twins.handler(HOST, text, {**given, "Destination": place})
        asked_by_lab, self.portal.asked[:] = list(self.portal.asked), []
        assert asked_by_lab == asked
        self.reached.note(told)
        assert told.kind == wanted.kind, (told, wanted)
        for one in (told, wanted):
            one.document.pop("position", None), one.document.pop("type", None)
        require_same(_worded(told, str(self.file)), _worded(wanted, place), self.twins.ids)
        return told


def _worded(told: Told, place: str) -> Any:
    """Document and progress with the network's own words and the file's place left out; what is
    said again and again is there once, as nobody knows how often it is tried.
    """

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(inner) for key, inner in value.items()}
        for words in WORDS:
            if isinstance(value, str) and value.startswith(words):
                return words
        return "the file" if value == place else value

    return [plain(told.document), [step for step, _ in groupby(map(plain, told.progress))]]


@pytest.fixture
def receiver(both: Both, portal: ThreadingHTTPServer, tmp_path: Path) -> Receiver:
    return Receiver(both, portal, tmp_path / "volume")


def test_both_fetch_resume_and_reuse(receiver: Receiver) -> None:
    receiver.put_part(CONTENT[:1000])

    first, again = receiver.agree(), receiver.agree()

    assert (first.document["reused"], again.document["reused"]) == (False, True)
    assert receiver.file.read_bytes() == CONTENT


@pytest.mark.parametrize("before", [b"", CONTENT[:1000], b"x" * 1000, b"x" * len(CONTENT), CONTENT])
def test_both_go_on_from_what_there_is(receiver: Receiver, before: bytes) -> None:
    receiver.put_part(before)

    assert receiver.agree().document["sha256"] == RIGHT


def test_both_refuse_what_is_not_the_file_or_not_given_any_more(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [receiver.agree(Sha256="0" * 64).document["message"]]
    said += [receiver.agree(path).document["message"] for path in ("/gone", "/broken")]
    said.append(receiver.agree(Url="http://127.0.0.1:9/x").document["message"])
    with monkeypatch.context() as patch:
        _fill(patch, receiver)
        # The script looks for a volume's path with a backslash behind it.
        here = {"Destination": f"{receiver.folder}\\file"}
        said.append(receiver.agree(here=here).document["message"])

    words = ["size or SHA-256 differs", "HTTP 404", WORDS[0], WORDS[0], "not enough space"]
    assert all(word in message for word, message in zip(words, said, strict=True))
    assert not any("127.0.0.1" in message and "/" in message for message in said[:2])
    assert not receiver.file.exists()
    assert receiver.reached.missed(receiver.twins.powershell) == set()


def test_a_connection_that_is_cut_is_taken_up_again_by_both(receiver: Receiver) -> None:
    """As long as each try brings something, it goes on."""
    told = receiver.agree("/short")

    assert told.document["reused"] is False
    assert receiver.file.read_bytes() == CONTENT
    assert [step["progress"] for step in told.progress][:5] == [50, 75, 87, 93, 96]


def test_a_portal_that_sends_nothing_is_waited_for_by_both(receiver: Receiver) -> None:
    here = {"Url": "http://127.0.0.1:9/x", "PatienceSeconds": 1}
    told = receiver.agree(**here)

    assert told.document["message"].startswith(WORDS[0])
    assert len(told.progress) > 4


def test_volumes_that_cannot_be_read_end_both(receiver: Receiver) -> None:
    for world in receiver.twins.worlds:
        fault = Fault("Get-ClusterSharedVolume", "error", "no cluster", times=1)
        world.set_faults(world.node(HOST), [fault])

    assert receiver.agree().record[2] == "OperationFailed,Get-ClusterSharedVolume"


def _fill(patch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    """The volumes have ten bytes left, the engine's folder is one of them."""
    plain: Callable[[str], cmdlets.Cmdlet] = cmdlets.find
    part = {"FreeSpace": 10}

    def volumes(session: Any, parameters: Any) -> list[Any]:
        paths = (str(receiver.folder), VOLUME)
        return [
            {"SharedVolumeInfo": [{"FriendlyVolumeName": path, "Partition": part}]}
            for path in paths
        ]

    def find(name: str) -> cmdlets.Cmdlet:
        return volumes if name.casefold() == "get-clustersharedvolume" else plain(name)

    patch.setattr(cmdlets, "find", find)

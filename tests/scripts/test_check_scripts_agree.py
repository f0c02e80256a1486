"""The scripts of `manage.py check_host`, each run both ways, and what they are told to look for."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.fabric.host_checks import commands
from apps.lab.world import Fault
from scripts import host_needs
from tests.scripts import pwsh
from tests.scripts.powershell import PowerShell
from tests.scripts.twins import Twins
from tests.scripts.worlds import healthy

pytestmark = pwsh.needs_engine
HOST = "hci01-n1"
#: Scripts that are run both ways here: they tell their own process, or ask the engine itself.
HERE = {
    "Get-SessionEcho", "Get-SessionFacts", "Get-SessionTicks", "Get-CommandGaps",
    "Get-HostJobFacts", "Test-ErrorRecord",
}  # fmt: skip


@pytest.fixture
def twins(powershell: PowerShell, tmp_path: Path) -> Iterator[Twins]:
    made = Twins(powershell, healthy().definition, tmp_path)
    yield made
    made.close()


def agree(twins: Twins, host: str, name: str, **parameters: Any) -> Any:
    """What both say, but for the process that says it: a document, or an error's record."""
    told, wanted = twins.both(host, name, parameters)
    assert told.kind == wanted.kind, (told.document, wanted.document)
    if told.kind == "e":
        assert told.record == wanted.record
        return told.record
    for document in (told.document, wanted.document):
        assert document.pop("process_id", 1) > 0
    assert told.document == wanted.document
    return told.document


def test_what_is_asked_of_a_host_is_what_the_scripts_use() -> None:
    assert host_needs.NEEDS.read_text(encoding="utf-8") == host_needs.written(
        host_needs.needs(pwsh.ENGINE)
    )


def test_every_property_that_is_asked_for_is_one_that_a_script_reads() -> None:
    texts = [path.read_text(encoding="utf-8") for path in pwsh.scripts()]
    for (_, name), properties in host_needs.PROPERTIES.items():
        about = " ".join(text for text in texts if name in text)
        assert [one for one in properties if one not in about] == []


def test_a_host_as_microsoft_documents_it_has_all_of_it(twins: Twins) -> None:
    told = agree(twins, HOST, "Get-CommandGaps", Needed=commands.wanted_commands())
    classes = agree(twins, HOST, "Get-ClassGaps", Needed=commands.wanted_classes())

    assert (told, classes) == ({"gaps": []}, {"gaps": []})


def test_what_a_host_lacks_is_named_by_both(twins: Twins) -> None:
    asked = [
        "Hyper-V|Get-VM|Id|Nothing", "Other|Get-VMHost", "Hyper-V|Get-Unheard|A",
        "Hyper-V|Stop-VM|TurnOff",
    ]  # fmt: skip
    file = "root/msps|Msps_ProvisioningFileProcessor"

    told = agree(twins, HOST, "Get-CommandGaps", Needed=asked)["gaps"]
    classes = agree(
        twins, HOST, "Get-ClassGaps",
        Needed=[f"{file}|PopulateFromFile", f"{file}|Nope", "root/msps|Msps_None|PopulateFromFile"],
    )["gaps"]  # fmt: skip

    assert [(gap["command"], gap["found"], gap["parameters"]) for gap in told] == [
        ("Get-VM", True, ["Nothing"]), ("Get-VMHost", True, []), ("Get-Unheard", False, ["A"]),
    ]  # fmt: skip
    assert told[1]["source"] == "Hyper-V"
    assert [(gap["members"], gap["problem"]) for gap in classes] == [
        (["Nope"], ""), (["PopulateFromFile"], "Not found"),
    ]  # fmt: skip


def test_quotas_agree_also_where_a_host_has_its_own(twins: Twins) -> None:
    for world in twins.worlds:
        node = world.node("hci01-n2")
        node.doors = dataclasses.replace(node.doors, max_shells_per_user=3)

    usual = agree(twins, HOST, "Get-HostQuotas")
    other = agree(twins, "hci01-n2", "Get-HostQuotas")

    assert (usual["shells_per_user"], other["shells_per_user"]) == (30, 3)
    assert {**usual, "shells_per_user": 3} == other


def test_facts_and_an_echo_agree(twins: Twins) -> None:
    facts = agree(twins, HOST, "Get-SessionFacts")
    echo = agree(twins, HOST, "Get-SessionEcho", Text="Zoë 漢字 😀 '\"`$x\\", Repeat=3)

    assert (facts["language_mode"], facts["dotnet_release"]) == ("FullLanguage", 528449)
    assert echo["text"] == "Zoë 漢字 😀 '\"`$x\\" * 3


def test_ticks_name_their_process_while_they_go_on(twins: Twins) -> None:
    for told in twins.both(HOST, "Get-SessionTicks", {"Seconds": 1}):
        assert told.kind == "r", told.document
        assert told.document["seconds"] == 1
        assert len(told.progress) >= 2
        assert {row["message"] for row in told.progress} == {str(told.document["process_id"])}
        assert all(0 <= row["progress"] <= 99 for row in told.progress)


def test_an_error_record_agrees(twins: Twins) -> None:
    path = "/not/there"  # the engine has no drives

    assert agree(twins, HOST, "Test-ErrorRecord", Path=path) == (
        f"Cannot find path '{path}' because it does not exist.",
        "ObjectNotFound",
        "PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand",
    )


def test_a_jobs_rights_and_process_agree(twins: Twins) -> None:
    job = _with_a_job(twins)

    told = agree(twins, HOST, "Get-HostJobFacts", JobId=job)
    none = agree(twins, HOST, "Get-ProcessFacts", ProcessId=4)

    private = "O:BAG:SYD:PAI(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)"
    assert told == {"root_sddl": private, "folder_sddl": private, "processes": []}
    assert none == {"is_running": False, "command_line": ""}


@pytest.mark.parametrize("cmdlet", ["Get-CimInstance", "Get-Acl"])
def test_facts_of_a_job_that_a_host_refuses_agree(twins: Twins, cmdlet: str) -> None:
    job = _with_a_job(twins)
    _let_fail(twins, cmdlet)

    assert agree(twins, HOST, "Get-HostJobFacts", JobId=job)[0] == "not today"


def test_a_host_that_does_not_tell_its_dotnet_agrees(twins: Twins) -> None:
    _let_fail(twins, "Get-ItemProperty")

    assert agree(twins, HOST, "Get-SessionFacts")["dotnet_release"] == 0


def _with_a_job(twins: Twins) -> str:
    twins.program_data = "/ProgramData"  # the engine has no drives
    job = str(uuid.uuid4())
    for world in twins.worlds:
        world.jobs[f"{HOST}/{job}"] = {"state": "running"}
    return job


def _let_fail(twins: Twins, cmdlet: str) -> None:
    for world in twins.worlds:
        world.set_faults(world.node(HOST), [Fault(cmdlet, "error", "not today", times=1)])

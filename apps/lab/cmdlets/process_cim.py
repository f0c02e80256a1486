"""CimCmdlets: Win32_Process, as far as PowerShell goes: nothing else runs on a simulated host."""

from __future__ import annotations

from typing import Any

from apps.lab import powershells, processes
from apps.lab.cmdlets.cim_cmdlets import register_class, register_method
from apps.lab.cmdlets.session import Parameters, Session

CIMV2, PROCESS = "root/cimv2", "Win32_Process"
SUCCESS, NOT_FOUND = 0, 9  # what Win32_Process's methods return; 9 is "path not found"
JOBS = "C:\\ProgramData\\FabricPortal\\jobs"


def running(session: Session) -> list[dict[str, Any]]:
    """Of detached jobs and of sessions."""
    jobs = processes.alive(session.world, session.host_name)
    return [
        *(_row(process.number, _job_line(key)) for key, process in jobs.items()),
        *(
            _row(number, powershells.SESSION)
            for number in powershells.of_sessions(session.world, session.host_name)
        ),
    ]


def _row(number: int, command_line: str) -> dict[str, Any]:
    return {
        "CimClassName": PROCESS,
        "CimNamespace": CIMV2,
        "Name": "powershell.exe",
        "ProcessId": number,
        "CommandLine": command_line,
    }


def _job_line(key: str) -> str:
    folder = f"{JOBS}\\{key.rpartition('/')[2]}"
    return (
        "powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass "
        f'-File "{folder}\\runner.ps1"'
    )


def create(session: Session, parameters: Parameters) -> list[Any]:
    """Says yes: what the process does is known to the handler of the script that asks for it."""
    return [{"ReturnValue": SUCCESS}]


def terminate(session: Session, parameters: Parameters) -> list[Any]:
    wanted = (parameters.get("InputObject") or {}).get("ProcessId")
    with session.world.locked():
        for key, process in processes.alive(session.world, session.host_name).items():
            if process.number == wanted:
                processes.end(session.world, key)
                return [{"ReturnValue": SUCCESS}]
    return [{"ReturnValue": NOT_FOUND}]


register_class(CIMV2, PROCESS, running)
register_method(CIMV2, PROCESS, "Create", create)
register_method(CIMV2, PROCESS, "Terminate", terminate)

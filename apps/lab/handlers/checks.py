"""The scripts by which `manage.py check_host` looks at a host (apps/remoting, apps/fabric)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from apps.lab.cmdlets.errors import CmdletError
from apps.lab.handlers.common import text

if TYPE_CHECKING:
    from apps.lab.engine import HandlerContext

TICK = 0.25
_SETTINGS = (
    ("shells_per_user", "MaxShellsPerUser"),
    ("processes_per_shell", "MaxProcessesPerShell"),
    ("memory_per_shell_mb", "MaxMemoryPerShellMB"),
    ("idle_timeout_ms", "IdleTimeout"),
)


def get_session_echo(ctx: HandlerContext, Text: str, Repeat: int = 1) -> dict[str, Any]:
    return {"process_id": ctx.process_id, "text": Text * Repeat}


def get_session_ticks(ctx: HandlerContext, Seconds: int) -> dict[str, Any]:
    began = time.monotonic()
    while True:
        passed = time.monotonic() - began
        ctx.progress(min(99, round(100 * passed / Seconds)), str(ctx.process_id))
        ctx.session.pause(TICK)
        if time.monotonic() - began >= Seconds:
            return {"process_id": ctx.process_id, "seconds": Seconds}


def get_session_facts(ctx: HandlerContext) -> dict[str, Any]:
    key = r"HKLM:\SOFTWARE\Microsoft\NET Framework Setup\NDP\v4\Full"
    installed = ctx.quiet("Get-ItemProperty", LiteralPath=key)
    return {
        "process_id": ctx.process_id,
        "ps_version": "5.1.20348",
        "ps_edition": "Desktop",
        "language_mode": "FullLanguage",
        "dotnet_release": installed[0]["Release"] if installed else 0,
        "security_protocols": "SystemDefault",
    }


def _processes(ctx: HandlerContext) -> list[dict[str, Any]]:
    return ctx.run(
        "Get-CimInstance", ClassName="Win32_Process", Filter="Name = 'powershell.exe'"
    )  # fmt: skip


def get_process_facts(ctx: HandlerContext, ProcessId: int) -> dict[str, Any]:
    lines = [row["CommandLine"] for row in _processes(ctx) if row["ProcessId"] == ProcessId]
    return {"is_running": bool(lines), "command_line": lines[0] if lines else ""}


def get_host_job_facts(ctx: HandlerContext, JobId: str) -> dict[str, Any]:
    named = f"{JobId.lower()}\\runner.ps1"
    processes = [row["ProcessId"] for row in _processes(ctx) if named in row["CommandLine"]]
    root = r"C:\ProgramData\FabricPortal"
    return {
        "root_sddl": ctx.one("Get-Acl", LiteralPath=root)["Sddl"],
        "folder_sddl": ctx.one("Get-Acl", LiteralPath=rf"{root}\jobs\{JobId.lower()}")["Sddl"],
        "processes": processes,
    }


def test_error_record(ctx: HandlerContext, Path: str) -> dict[str, Any]:
    ctx.run("Get-Item", LiteralPath=Path)
    return {"path": Path}


def get_host_quotas(ctx: HandlerContext) -> dict[str, Any]:
    shells = ctx.one("Get-WSManInstance", ResourceURI="winrm/config/winrs")
    service = ctx.one("Get-WSManInstance", ResourceURI="winrm/config")
    told = {key: int(shells[name]) for key, name in _SETTINGS}
    return told | {"envelope_size_kb": int(service["MaxEnvelopeSizekb"])}


def get_command_gaps(ctx: HandlerContext, Needed: list[str]) -> dict[str, Any]:
    gaps = (_command_gap(ctx, *one.split("|")) for one in Needed)
    return {"gaps": [gap for gap in gaps if gap]}


def _command_gap(
    ctx: HandlerContext, module: str, name: str, *wanted: str
) -> dict[str, Any] | None:
    found = ctx.quiet("Get-Command", Name=name)
    lacking, source = list(wanted), ""
    if found:
        rows = found[0]["Parameters"].values()
        known = {one.casefold() for row in rows for one in (row["Name"], *row["Aliases"])}
        lacking = [one for one in wanted if one.casefold() not in known]
        source = text(found[0]["ModuleName"])
    if found and not lacking and source.casefold() == module.casefold():
        return None
    return {
        "module": module,
        "command": name,
        "found": bool(found),
        "parameters": lacking,
        "source": source,
    }


def get_class_gaps(ctx: HandlerContext, Needed: list[str]) -> dict[str, Any]:
    gaps = (_class_gap(ctx, *one.split("|")) for one in Needed)
    return {"gaps": [gap for gap in gaps if gap]}


def _class_gap(
    ctx: HandlerContext, namespace: str, name: str, *wanted: str
) -> dict[str, Any] | None:
    problem, known = "", set()
    try:
        told = ctx.one("Get-CimClass", Namespace=namespace, ClassName=name)
        rows = [*told["CimClassMethods"], *told["CimClassProperties"]]
        known = {row["Name"].casefold() for row in rows}
    except CmdletError as error:
        problem = error.message.strip()
    lacking = [one for one in wanted if one.casefold() not in known]
    if not problem and not lacking:
        return None
    return {"namespace": namespace, "class": name, "members": lacking, "problem": problem}


HANDLERS = {
    "Get-SessionEcho": get_session_echo,
    "Get-SessionTicks": get_session_ticks,
    "Get-SessionFacts": get_session_facts,
    "Get-ProcessFacts": get_process_facts,
    "Get-HostJobFacts": get_host_job_facts,
    "Test-ErrorRecord": test_error_record,
    "Get-HostQuotas": get_host_quotas,
    "Get-CommandGaps": get_command_gaps,
    "Get-ClassGaps": get_class_gaps,
}

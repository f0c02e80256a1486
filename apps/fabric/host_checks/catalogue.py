"""The checks by their ids, those of rows of docs/windows.md; a test holds both equal."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from apps.remoting import faults, pool, shell

LARGE_TEXT = 300 * 1000  # characters of a parameter
LARGE_ANSWER = 4 * 1000 * 1000
DOTNET_4_7_2 = 461808
ENVELOPE_KB = 150  # what pywinrm's requests announce; see apps.remoting.sessions.SEND_BYTES
PROCESSES = 2  # cmd.exe and the PowerShell that it starts


@dataclass(frozen=True)
class Check:
    """`section`: the heading of docs/windows.md under which the row of this id stands."""

    id: str
    section: str
    words: str
    expected: str


def catalogue() -> tuple[Check, ...]:
    """Every check, in the order in which they are told."""
    return tuple(
        Check(id, section, words, expected)
        for section, rows in _SECTIONS.items()
        for id, words, expected in rows
    )


def _quota(what: str, least: int, unit: str = "") -> tuple[str, str]:
    return f"WinRM grants enough: {what}", f"{least}{unit} at least"


_SECTIONS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "The way in": (
        ("way-in", "The way to the host is open", "name, port, TLS where used, WinRM's answer"),
        ("ways-offered", "The way that is used is one that the host offers", "it is offered"),
        ("sign-in", "The account may run commands", "a shell opens"),
    ),
    "PowerShell": (
        ("powershell-version", "It is Windows PowerShell", "5.1, Desktop"),
        ("language-mode", "Scripts may use all of the language", "FullLanguage"),
        ("dotnet", "The .NET Framework is new enough", f"release {DOTNET_4_7_2} (4.7.2) at least"),
        ("tls-default", "Hosts fetch content over TLS 1.2", "SystemDefault, or Tls12 among them"),
        ("fresh-powershell", "A PowerShell for each call works", "two calls, two processes"),
    ),
    "Warm sessions": (
        ("warm-process", "One PowerShell serves call after call", "three calls, one process"),
        ("warm-memory", "It tells its memory",
         f"more than 0 and less than {pool.MAX_MEMORY >> 20} MiB"),
        ("warm-pause", "A reading after a quiet pause works", "the process of before answers"),
        ("unicode", "Text keeps its characters both ways", "the text that was sent"),
        ("large-parameters", "Large parameters arrive whole", f"{LARGE_TEXT} characters"),
        ("large-answer", "Large answers arrive whole", f"{LARGE_ANSWER} characters"),
        ("error-record", "Errors come as records", "message, ObjectNotFound, PathNotFound"),
        ("progress", "Progress comes while a script runs", "a second before the end, at least"),
        ("cancel", "Cancelling ends the process on the host", "it is gone within 15 s"),
        ("time-out", "A time-out ends the process on the host", "it is gone within 15 s"),
        ("fault-quiet", "A quiet command answers Receive", f"fault {faults.QUIET}"),
        ("fault-gone", "A shell that is gone answers Receive", f"fault {faults.GONE}"),
    ),
    "Quotas": (
        ("quota-shells", *_quota("shells for a user", settings.FABRIC_HOST_SESSIONS)),
        ("quota-processes", *_quota("processes in a shell", PROCESSES)),
        ("quota-memory", *_quota("memory of a shell", pool.MAX_MEMORY >> 20, " MB")),
        ("quota-idle", *_quota("idle time of a shell", shell.IDLE_SECONDS * 1000, " ms")),
        ("quota-envelope", *_quota("size of an envelope", ENVELOPE_KB, " kB")),
    ),
    "Commands and classes": (
        ("commands", "Cmdlets and parameters that scripts use are there", "all of them"),
        ("classes", "WMI classes that scripts use are there", "all of them, with their members"),
    ),
    "Readings": (
        ("host-inventory", "The host's inventory is read", "without gaps, in time"),
        ("cluster-inventory", "The cluster's inventory is read", "without gaps, in time"),
        ("enum-words", "States come as names", "no number, no name that isn't known"),
    ),
    "Detached jobs": (
        ("job-outlives", "A job outlives the session that started it", "it runs on"),
        ("job-private", "Nobody else reads a job's folder", "administrators and SYSTEM alone"),
        ("job-command-line", "A job's process shows its command line", "one process"),
        ("job-removed", "A job is stopped and removed", "no process, no folder"),
    ),
}  # fmt: skip

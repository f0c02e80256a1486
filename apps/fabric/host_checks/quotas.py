"""What WinRM grants, compared with what the portal may come to need."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from apps.fabric.host_checks.catalogue import ENVELOPE_KB, PROCESSES
from apps.fabric.host_checks.trial import Trial
from apps.remoting import pool, shell


def check(trial: Trial) -> None:
    needs = {
        "quota-shells": ("shells_per_user", "MaxShellsPerUser", settings.FABRIC_HOST_SESSIONS),
        "quota-processes": ("processes_per_shell", "MaxProcessesPerShell", PROCESSES),
        "quota-memory": ("memory_per_shell_mb", "MaxMemoryPerShellMB", pool.MAX_MEMORY >> 20),
        "quota-idle": ("idle_timeout_ms", "IdleTimeout", shell.IDLE_SECONDS * 1000),
        "quota-envelope": ("envelope_size_kb", "MaxEnvelopeSizekb", ENVELOPE_KB),
    }

    def try_out() -> None:
        told = trial.call("fabric", "Get-HostQuotas")
        for id, (key, name, least) in needs.items():
            trial.results.tell(id, is_enough(told.get(key), least), f"{name} is {told.get(key)}")

    trial.results.attempt(tuple(needs), try_out)


def is_enough(granted: Any, least: int) -> bool:
    """0 stands for no limit; None for one that was not told, which is never enough."""
    return type(granted) is int and (granted == 0 or granted >= least)

"""All checks of one host, in an order in which each finds what it needs."""

from __future__ import annotations

from apps.fabric.host_checks import commands, jobs, quotas, readings, sessions, way
from apps.fabric.host_checks.results import Result, Results
from apps.fabric.host_checks.trial import Trial
from apps.fabric.models import Host
from apps.fabric.selectors import endpoint_for_host
from apps.remoting.pool import POOL, Pool

PAUSE_SECONDS = 130.0
"""Longer than the 120 s after which Windows' HTTP service closes an idle connection."""


def check_host(host: Host, pause: float = PAUSE_SECONDS) -> list[Result]:
    """The results in the catalogue's order. `pause`: seconds that a warm session is left alone.

    Never raises for what a host does; raises EnvelopeError for a credential that doesn't open.
    """
    # sessions of its own, counted with those of the workers
    trial = Trial(endpoint_for_host(host), Pool(quota=POOL.quota), Results())
    try:
        _check(trial, pause)
    finally:
        trial.close()
    return trial.results.all()


def _check(trial: Trial, pause: float) -> None:
    if not way.check(trial):
        return
    if not sessions.check_start(trial):
        return
    rest = sessions.check_warm(trial)
    sessions.check_calls(trial)
    sessions.check_ends(trial)
    sessions.check_faults(trial)
    quotas.check(trial)
    commands.check(trial)
    readings.check(trial)
    jobs.check(trial)
    if rest is not None:
        rest.check(trial, pause)  # last, so that the others fill its pause

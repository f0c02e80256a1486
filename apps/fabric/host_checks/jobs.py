"""A detached job that sleeps: does it outlive its session, who may read it, does it go."""

from __future__ import annotations

import re
import uuid
from functools import partial

from apps.fabric.host_checks.trial import Trial
from apps.remoting import jobs, scripts
from apps.remoting.errors import RemotingError
from apps.remoting.pool import Pool

#: Longer than the checks of a job take, short enough to be over soon when nobody can end it.
SLEEP_SECONDS = 180
_IDS = ("job-outlives", "job-private", "job-command-line", "job-removed")
_MAY = {"BA", "SY", "S-1-5-32-544", "S-1-5-18"}
_OWNER = re.compile(r"^O:(BA|S-1-5-32-544)(?=[A-Z]+:)")
_FLAGS = re.compile(r"D:([A-Z]*)\(")
_ENTRY = re.compile(r"\(([^()]*)\)")
_PARTS = 6  # of an entry: type; flags; rights; object; inherited object; whom


def check(trial: Trial) -> None:
    job = uuid.uuid4()
    try:
        trial.results.attempt(_IDS[:3], partial(_run, trial, job))
    finally:
        trial.results.attempt(_IDS[3:], partial(_remove, trial, job))


def _run(trial: Trial, job: uuid.UUID) -> None:
    starter = Pool(quota=trial.pool.quota)
    try:
        jobs.start_job(trial.way, job, scripts.load("remoting", "Get-SessionTicks"),
                       {"Seconds": SLEEP_SECONDS}, pool=starter)  # fmt: skip
    finally:
        starter.close_idle()  # deletes the shell in which it was started
    told = trial.call("remoting", "Get-HostJobFacts", JobId=str(job))
    processes = told["processes"]
    trial.results.tell(
        "job-command-line", len(processes) == 1, f"processes that name the job: {len(processes)}"
    )
    for part in ("root_sddl", "folder_sddl"):
        if not is_private(told[part]):
            trial.results.tell("job-private", False, told[part])
            break
    else:
        trial.results.tell("job-private", True, told["folder_sddl"])
    status = jobs.read_job(trial.way, job, pool=trial.pool)
    words = f"it is {status.state}{': ' if status.error else ''}"
    trial.results.tell(
        "job-outlives", status.state == "running",
        words + (str(status.error["message"]) if status.error else ""),
    )  # fmt: skip


def _remove(trial: Trial, job: uuid.UUID) -> None:
    try:
        jobs.stop_job(trial.way, job, pool=trial.pool)
        jobs.remove_job(trial.way, job, pool=trial.pool)
        state = jobs.read_job(trial.way, job, pool=trial.pool).state
    except RemotingError as error:
        words = f"the folder of job {job} may be left: {error.message}"
        trial.results.tell("job-removed", False, words)
        return
    trial.results.tell("job-removed", state == "gone", f"job {job} is {state}")


def is_private(sddl: str) -> bool:
    """Whether administrators own a folder, and they and the system alone may do anything with it.

    The security descriptor as text, [MS-DTYP] 2.5.1: inheritance is cut (P), at least one entry,
    each allows, and allows nobody else.
    """
    flags = _FLAGS.search(sddl)
    entries = [entry.split(";") for entry in _ENTRY.findall(sddl.partition("D:")[2])]
    return (
        _OWNER.match(sddl) is not None
        and flags is not None
        and "P" in flags[1].replace("AI", "").replace("AR", "")
        and bool(entries)
        and all(len(e) == _PARTS and e[0] == "A" and e[5] in _MAY for e in entries)
    )

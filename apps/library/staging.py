"""Bringing a file to a cluster's volume, where inspection and deployment find it by its content."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from apps.fabric import selectors
from apps.fabric.choices import HostState
from apps.fabric.credentials import EnvelopeError
from apps.fabric.models import Host
from apps.library import content, scrub
from apps.library.hosts import Place
from apps.library.models import StagedFile, StoredFile
from apps.operations import jobs, patience
from apps.operations import services as operations
from apps.operations.context import Context
from apps.operations.errors import OperationFailed
from apps.remoting import Endpoint, call, scripts
from apps.remoting.errors import ScriptRefused
from apps.remoting.scripts import Script

#: Up to here a file is fetched within one call; what is larger goes on without the portal.
AT_ONCE = 64 << 20
AT_ONCE_SECONDS = 110
JOB_SECONDS = 24 * 3600
#: How long a host tries again when the portal can't be reached, in a call and in a job.
SHORTLY, PATIENTLY = 20, 2 * 3600
#: What Receive-Content says when it has given that up.
CUT = "could not be fetched from the portal"
FORGET = "library.unstage"
REMOVE = "Remove the copies"
HIDDEN = "the file’s address, known to the host alone"


def bring(ctx: Context, file: StoredFile, place: Place) -> str:
    """Has the host fetch a file unless it has it, and gives the host's path of it."""
    if StoredFile.objects.filter(pk=file.pk, is_intact=False).exists():
        told, subject = scrub.problem(), scrub.subject_of(file)
        name = f"{subject.filename}: " if subject is not None else ""
        raise OperationFailed(told["code"], f"{name}{told['message']}", told["fix"])
    path = place.path(file.staged_name)
    script = scripts.load("library", "Receive-Content")
    known = {
        "Sha256": file.sha256,
        "SizeBytes": file.size_bytes,
        "Destination": path,
        "CaCertificate": content.certificate_authority(),
    }
    ctx.check_cancelled()
    shown = {**known, "Url": HIDDEN}
    secret = {**known, "Url": content.grant(file, place.host, ctx.operation)}
    if file.size_bytes > AT_ONCE or not _is_fetched(ctx, place.host, script, secret, shown):
        _fetch_as_job(ctx, place.host, script, secret, shown)
    StagedFile.objects.update_or_create(
        volume=place.volume,
        path=path,
        defaults={
            "sha256": file.sha256, "size_bytes": file.size_bytes, "staged_at": timezone.now()
        },
    )  # fmt: skip
    return path


def endpoint(host: Host) -> Endpoint:
    """How to reach a host; a credential that can't be opened ends the operation in words."""
    try:
        return selectors.endpoint_for_host(host)
    except EnvelopeError as error:
        raise OperationFailed(
            "credential", str(error), "Enter the cluster’s password anew."
        ) from error


def _is_fetched(
    ctx: Context, host: Host, script: Script, parameters: dict[str, Any], shown: dict[str, Any]
) -> bool:
    """Whether it came within one call. False where the portal itself can't be reached just now and
    the operation has done too much to end for that."""
    ctx.record_script(script, shown)
    way = endpoint(host)
    fetch = lambda: call(  # noqa: E731
        way, script, {**parameters, "PatienceSeconds": SHORTLY}, timeout=AT_ONCE_SECONDS,
        on_progress=ctx.on_progress, should_stop=ctx.should_stop,
    )  # fmt: skip
    try:
        patience.ask(ctx, host.name, fetch, allowed=patience.while_cut_off(ctx, way))
    except ScriptRefused as refused:
        if CUT in refused.host_message and patience.has_done_something(ctx):
            return False
        raise
    return True


def _fetch_as_job(
    ctx: Context, host: Host, script: Script, parameters: dict[str, Any], shown: dict[str, Any]
) -> None:
    try:
        jobs.run(
            ctx, endpoint(host), script, {**parameters, "PatienceSeconds": PATIENTLY},
            seconds=JOB_SECONDS, key=parameters["Sha256"], shown=shown,
        )  # fmt: skip
    except ScriptRefused as refused:
        raise OperationFailed(
            "fetch-failed",
            f"{host.name} couldn’t fetch the file.",
            "See that the host reaches the portal’s content address, then retry.",
            refused.host_message,
        ) from refused


def ask_to_forget(sha256: str) -> None:
    """Queues the removal of a content's copies from volumes, once no file has that content."""
    if not sha256 or StoredFile.objects.filter(sha256=sha256).exists():
        return
    staged = StagedFile.objects.filter(path__contains=sha256).select_related("volume__cluster")
    for volume in {one.volume for one in staged}:
        operations.request(
            actor=None,
            kind=FORGET,
            target_kind="volume",
            target_id=volume.pk,
            target_name=volume.name,
            title=f"Remove copies from {volume.name}",
            parameters={"sha256": sha256},
            exclusive=False,
            audit=False,
        )


def forget(ctx: Context) -> None:
    """Removes the copies of a content from a volume, unless somebody uploaded it again."""
    sha256 = ctx.parameters["sha256"]
    staged = StagedFile.objects.filter(volume__pk=ctx.operation.target_id, path__contains=sha256)
    if StoredFile.objects.filter(sha256=sha256).exists() or not staged.exists():
        return
    host = Host.objects.filter(
        cluster__volumes__pk=ctx.operation.target_id, state=HostState.UP, failing_since=None
    ).first()
    if host is None:
        raise OperationFailed("no-host", "No host of the cluster is up.", "Retry when one is.")
    with ctx.step(REMOVE):
        paths = list(staged.values_list("path", flat=True))
        script = scripts.load("library", "Remove-StagedFile")
        ctx.call(endpoint(host), script, {"Paths": paths})
        staged.delete()

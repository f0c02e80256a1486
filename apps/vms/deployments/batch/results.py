"""A batch's results as a table for spreadsheets."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse

from apps.common import spreadsheets
from apps.vms.deployments.batch import services
from apps.vms.deployments.models import DeploymentBatch

COLUMNS = ("number", "name", "status", "host", "step", "code", "message", "hint", "host_message")


def response(batch: DeploymentBatch) -> HttpResponse:
    """A line for each machine. Values that went into answer files aren't told again."""
    lines: list[Sequence[Any]] = [COLUMNS]
    for row in services.machines(batch):
        told = services.outcome(row)
        error = told["error"] or {}
        own = {"host": row.host.name if row.host else ""}
        lines.append([(told | error | own).get(column) for column in COLUMNS])
    answer = HttpResponse(spreadsheets.write(lines), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="deployments.csv"'
    answer["Cache-Control"] = "no-store"
    return answer

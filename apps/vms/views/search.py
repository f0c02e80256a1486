"""Search over everything that the person may see, by name: the field in the top bar."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.common.api.filters import clean_query
from apps.common.htmx import is_partial
from apps.fabric.models import Cluster, Host
from apps.library.models import ShieldingData, TemplateDisk
from apps.operations.models import Operation
from apps.vms.models import VirtualMachine

MOST = 8
LONGEST = 100


@dataclass(frozen=True)
class Place:
    """One kind of thing that is looked through: by which column, and where a row leads."""

    title: str
    icon: str
    model: Any
    column: str
    address: str


PLACES = (
    Place("Virtual machines", "vm", VirtualMachine, "name", "vms:detail"),
    Place("Hosts", "host", Host, "name", "fabric:host"),
    Place("Clusters", "cluster", Cluster, "name", "fabric:cluster"),
    Place("Template disks", "disk", TemplateDisk, "filename", "library:disk"),
    Place("Shielding data", "pdk", ShieldingData, "filename", "library:shielding_data"),
    Place("Activity", "activity", Operation, "title", "operations:operation_detail"),
)


@login_required
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    words = clean_query(request.GET).get("q", "").strip()[:LONGEST]
    groups = [(place, _hits(request, place, words)) for place in PLACES] if words else []
    context = {"search_words": words, "groups": [(p, hits) for p, hits in groups if hits]}
    template = "vms/_search.html" if is_partial(request) else "vms/search.html"
    return render(request, template, context)


def _hits(request: HttpRequest, place: Place, words: str) -> list[dict[str, str]]:
    rows: QuerySet[Any] = place.model.objects.restrict(request.user, "view")
    found = rows.filter(**{f"{place.column}__icontains": words}).order_by(place.column)[:MOST]
    return [
        {"name": getattr(row, place.column), "href": reverse(place.address, args=[row.pk])}
        for row in found
    ]

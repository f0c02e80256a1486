"""What the address of a form chooses beforehand: a pair or a template disk, a cluster, a name."""

from typing import Any

from apps.accounts.http import AuthenticatedHttpRequest
from apps.common.api.filters import clean_query
from apps.common.errors import Invalid
from apps.fabric.models import Cluster
from apps.library.models import Pair
from apps.vms.deployments.forms import BLANK, SHIELDED, TEMPLATE, uuid_or_none, with_volume


def given(request: AuthenticatedHttpRequest) -> dict[str, Any]:
    """What the address chooses beforehand: a pair or a template disk, a cluster."""
    query = clean_query(request.GET)
    names = ("name", "cluster", "volume", "virtual_switch", "host", "pair", "template_disk")
    chosen: dict[str, Any] = {"processors": 2, "memory_gib": 4, "disk_gib": 40, "start": True}
    chosen |= {name: query[name] for name in names if query.get(name)}
    chosen |= _kind(request, query)
    clusters = list(Cluster.objects.order_by("name").values_list("pk", flat=True)[:2])
    if "cluster" not in chosen and len(clusters) == 1:
        chosen["cluster"] = str(clusters[0])
    return with_volume(chosen)


def _kind(request: AuthenticatedHttpRequest, query: Any) -> dict[str, str]:
    """The kind that fits what was chosen, with its pair."""
    if query.get("kind") in (BLANK, TEMPLATE, SHIELDED):
        return {"kind": query["kind"]}
    pairs = Pair.objects.restrict(request.user, "deploy").order_by("-applicable", "-created_at")
    halves = {
        f"{name}_id": query[name] for name in ("template_disk", "shielding_data") if query.get(name)
    }
    if not halves:
        return {"kind": SHIELDED}
    if not all(map(uuid_or_none, halves.values())):
        raise Invalid("That isn’t the id of a file of the library.")
    found = [str(one) for one in pairs.filter(**halves).values_list("pk", flat=True)[:1]]
    if found:
        return {"kind": SHIELDED, "pair": found[0]}
    return {"kind": TEMPLATE if query.get("template_disk") else SHIELDED}

"""The form of a new virtual machine: what it offers follows from its cluster and its pair."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Q, QuerySet

from apps.accounts.models import Tenant, User
from apps.accounts.permissions import holds
from apps.common.errors import FieldError, PortalError
from apps.fabric.models import Cluster, Host, VirtualSwitch, Volume
from apps.library import selectors as library
from apps.library import versions
from apps.library.choices import ItemStatus
from apps.library.models import Pair, ShieldingData, TemplateDisk, Upload
from apps.vms.deployments.plans import Plan
from apps.vms.placements import Placement

GIB = 2**30
STEP = 2**21  # memory is counted in 2 MiB
SECTOR = 4096
BLANK, TEMPLATE, SHIELDED = "blank", "template", "shielded"
KINDS = {
    SHIELDED: ("Shielded", "From a template disk and the shielding data made for it"),
    TEMPLATE: ("Regular, from a template disk", "A copy of the disk, without shielding"),
    BLANK: ("Regular, with an empty disk", "To install from an ISO image or the network"),
}
#: A part of a request → the field of the form that it is asked in.
FIELDS = {
    "memory_bytes": "memory_gib",
    "disk_size_bytes": "disk_gib",
    "template_disk": "template_disk",
    "shielding_data": "pair",
}


class PairField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        words = f"{_named(obj.template_disk)} with {obj.shielding_data.name}"
        policy = obj.shielding_data.get_policy_display()
        told = ", ".join(one for one in (policy, obj.tenant.name) if one)
        return f"{words} ({told})"


class DiskField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{_named(obj)} ({obj.tenant.name})"


def _named(item: Any) -> str:
    """With its version, where a template disk has one."""
    version = versions.version_of(item) if isinstance(item, TemplateDisk) else ""
    return f"{item.name} {version}".strip()


class VolumeField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return obj.name if obj.free_bytes is None else f"{obj.name}, {_gib(obj.free_bytes)} free"


def _gib(size: int) -> str:
    return f"{size / GIB:,.1f} GiB"


class DeploymentForm(forms.Form):
    """Bound with `data`, it can be half filled in: `draft` is what it comes to so far."""

    kind = forms.ChoiceField(label="Kind", choices=[(key, KINDS[key][0]) for key in KINDS])
    pair = PairField(
        label="Template disk and shielding data", queryset=Pair.objects.none(), required=False,
        empty_label="Choose a pair",
    )  # fmt: skip
    template_disk = DiskField(
        label="Template disk", queryset=TemplateDisk.objects.none(), required=False,
        empty_label="Choose a template disk",
    )  # fmt: skip
    iso = DiskField(
        label="ISO image to start from", queryset=Upload.objects.none(), required=False,
        empty_label="None",
    )  # fmt: skip
    name = forms.CharField(label="Name", max_length=500, strip=False)
    processors = forms.IntegerField(label="Virtual processors", initial=2)
    memory_gib = forms.DecimalField(label="Memory", initial=4, max_digits=8, decimal_places=2)
    disk_gib = forms.DecimalField(
        label="System disk", initial=40, required=False, max_digits=8, decimal_places=2
    )
    tenant = forms.ModelChoiceField(
        label="Tenant", queryset=Tenant.objects.none(), required=False,
        empty_label="Whose files it is made of, else nobody’s",
    )  # fmt: skip
    cluster = forms.ModelChoiceField(
        label="Cluster", queryset=Cluster.objects.none(), empty_label="Choose a cluster"
    )
    volume = VolumeField(label="Volume", queryset=Volume.objects.none(), empty_label=None)
    virtual_switch = forms.ModelChoiceField(
        label="Virtual switch", queryset=VirtualSwitch.objects.none(), required=False,
        empty_label="Not connected",
    )  # fmt: skip
    host = forms.ModelChoiceField(label="Host", queryset=Host.objects.none(), required=False)
    start = forms.BooleanField(label="Start it when it is made", required=False, initial=True)

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, user: User, initial: Any = None
    ) -> None:
        super().__init__(data, initial=initial)
        self.user = user
        self._offer_isos()
        self._offer_kinds()
        self._offer_files()
        self._offer_places()
        self._ask_values()

    def _choice(self, name: str) -> Any:
        """A field with `choices` or a `queryset`, which the stubs know of no field by its name."""
        return self.fields[name]

    def _offer_isos(self) -> None:
        rows = library.isos(self.user, also=uuid_or_none(self._said("iso")))
        self._choice("iso").queryset = rows.order_by("tenant__name", "filename")

    def _offer_kinds(self) -> None:
        """A tenant's people deploy from their own library: with an empty disk, from its images."""
        tenants = self.user.tenant is not None
        if tenants and not self._choice("iso").queryset.exists():
            kinds = self._choice("kind")
            kinds.choices = [one for one in kinds.choices if one[0] != BLANK]
        for name, kind in (("pair", SHIELDED), ("template_disk", TEMPLATE), ("disk_gib", BLANK)):
            self.fields[name].required = self.kind_now == kind
        self.fields["iso"].required = tenants and self.kind_now == BLANK
        if not holds(self.user, "tenant", "view"):
            del self.fields["tenant"]
        else:
            self._choice("tenant").queryset = Tenant.objects.restrict(self.user)

    def _offer_files(self) -> None:
        named = Q(applicable=True) | Q(pk=uuid_or_none(self._said("pair")))
        self._choice("pair").queryset = (
            Pair.objects.restrict(self.user, "deploy")
            .filter(named)
            .select_related("template_disk", "shielding_data", "tenant")
            .order_by("tenant__name", "template_disk__filename", "shielding_data__filename")
        )
        self._choice("template_disk").queryset = (
            TemplateDisk.objects.restrict(self.user, "deploy")
            .filter(Q(status=ItemStatus.USABLE) | Q(pk=uuid_or_none(self._said("template_disk"))))
            .select_related("tenant")
            .order_by("tenant__name", "filename")
        )

    def _offer_places(self) -> None:
        """Whoever may deploy may name where to, also a tenant that doesn't see the fabric."""
        self._choice("cluster").queryset = Cluster.objects.order_by("name")
        cluster = uuid_or_none(self._said("cluster"))
        for name in ("volume", "virtual_switch", "host"):
            self._choice(name).queryset = self._all(name).filter(cluster=cluster)

    def _all(self, name: str) -> QuerySet[Any]:
        return self._choice(name).queryset.model.objects.order_by("name")

    def _ask_values(self) -> None:
        """A field for each value that the shielding data's answer file asks for."""
        self.keys: dict[str, str] = {}
        data = self.shielding_data
        for key in data.substitution_keys if data else ():
            name = f"value-{key.strip('@')}"
            self.keys[name] = key
            self.fields[name] = forms.CharField(
                label=words_of(key), max_length=4096, help_text=key, strip=False
            )

    def _said(self, name: str) -> str:
        source: Any = self.data if self.is_bound else self.initial
        return str(source.get(name) or "")

    @property
    def kind_now(self) -> str:
        known = dict(self._choice("kind").choices)
        said = self._said("kind")
        return said if said in known else next(iter(known))

    @property
    def chosen_pair(self) -> Pair | None:
        if self.kind_now != SHIELDED or not self._said("pair"):
            return None
        return self._choice("pair").queryset.filter(pk=uuid_or_none(self._said("pair"))).first()

    @property
    def shielding_data(self) -> ShieldingData | None:
        pair = self.chosen_pair
        return pair.shielding_data if pair else None

    @property
    def newer(self) -> dict[str, Any] | None:
        """A newer version of the template that was chosen: its disk, and the pair to choose in
        place of this one, or None where the shielding data doesn't apply to it.
        """
        pair, disk = self.chosen_pair, None
        if pair is not None:
            disk = pair.template_disk
        elif self.kind_now == TEMPLATE and self._said("template_disk"):
            rows = self._choice("template_disk").queryset
            disk = rows.filter(pk=uuid_or_none(self._said("template_disk"))).first()
        found = versions.newer([disk]).get(disk.pk) if disk is not None else None
        if found is None:
            return None
        better = self._choice("pair").queryset.filter(
            template_disk=found, shielding_data=pair.shielding_data if pair else None,
            applicable=True,
        )  # fmt: skip
        return {"disk": found, "pair": better.first() if pair else None}

    @property
    def kinds(self) -> list[dict[str, Any]]:
        """What the choice of a kind shows."""
        now = self.kind_now
        return [
            {"value": key, "label": KINDS[key][0], "hint": KINDS[key][1], "on": key == now}
            for key, _ in self._choice("kind").choices
        ]

    @property
    def values(self) -> list[forms.BoundField]:
        return [self[name] for name in self.keys]

    def plan(self) -> Plan:
        """The plan that a valid form is."""
        return self._plan(self.cleaned_data)

    def draft(self) -> Plan | None:
        """What can be planned of a form that is half filled in; None without cluster and volume."""
        self.is_valid()
        given = {name: one for name, one in self.cleaned_data.items() if one is not None}
        known: dict[str, Any] = {"name": "", "processors": 1, "memory_gib": 0} | given
        if "cluster" not in known:
            return None
        known.setdefault("volume", known["cluster"].volumes.order_by("-free_bytes").first())
        return self._plan(known) if known["volume"] else None

    def _plan(self, known: Mapping[str, Any]) -> Plan:
        kind, pair, disk = self.kind_now, None, None
        if kind == SHIELDED:
            pair = known.get("pair")
            disk = pair.template_disk if pair else None
        elif kind == TEMPLATE:
            disk = known.get("template_disk")
        size = known.get("disk_gib") if kind == BLANK else None
        return Plan(
            name=known["name"],
            cluster=known["cluster"],
            volume=known["volume"],
            processors=known["processors"],
            memory_bytes=round(known["memory_gib"] * GIB / STEP) * STEP,
            host=known.get("host"),
            virtual_switch=known.get("virtual_switch"),
            template_disk=disk,
            disk_size_bytes=round(size * GIB) // SECTOR * SECTOR if size is not None else None,
            shielding_data=pair.shielding_data if pair else None,
            iso=known.get("iso") if kind == BLANK else None,
            specialization={key: known[name] for name, key in self.keys.items() if known.get(name)},
            tenant=self.user.tenant or known.get("tenant"),
            start=bool(known.get("start")),
        )

    def refuse(self, error: PortalError) -> None:
        """Puts a service’s refusal where it belongs, with the way out where there is one."""
        hint = error.hint if len(error.errors) == 1 else ""
        for one in error.errors:
            self.add_error(self._field_of(one), f"{one.message} {hint}".strip())
        if not error.errors:
            self.add_error(None, f"{error.detail} {error.hint}".strip())

    def _field_of(self, error: FieldError) -> str | None:
        """The field that asks for that part of the request; None where no field shows it."""
        name = FIELDS.get(error.field, error.field)
        if error.field == "template_disk" and self.kind_now == SHIELDED:
            name = "pair"
        if error.field == "specialization":
            name = next((n for n, key in self.keys.items() if key in error.message), "")
        return name if name in self.fields else None


def with_volume(given: dict[str, Any]) -> dict[str, Any]:
    """What a form was given; where its volume isn't the cluster's, the cluster's emptiest one."""
    volumes = Volume.objects.filter(cluster=uuid_or_none(str(given.get("cluster") or "")))
    volume = uuid_or_none(str(given.get("volume") or ""))
    if volume and volumes.filter(pk=volume).exists():
        return given
    emptiest = volumes.exclude(free_bytes=None).order_by("-free_bytes", "name").first()
    return given | {"volume": str(emptiest.pk) if emptiest else ""}


def places_of(plan: Plan | None) -> tuple[list[Placement], UUID | None]:
    """Every host for a plan, and the one that would be taken."""
    if plan is None:
        return [], None
    places = plan.placements()
    chosen = plan.chosen(places)
    if chosen is None or not chosen.allowed:
        chosen = dataclasses.replace(plan, host=None).chosen(places)
    return places, chosen.host.pk if chosen else None


def words_of(key: str) -> str:
    """“@ComputerName@” → “Computer name”."""
    plain = key.strip("@").replace("-", " ").replace("_", " ")
    split = re.sub(r"(?<=[a-z])([A-Z])", lambda found: f" {found[1].lower()}", plain).strip()
    return split[:1].upper() + split[1:]


def uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

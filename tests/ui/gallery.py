"""What the page of pieces shows: each piece in its states."""

import datetime
from types import SimpleNamespace
from typing import Any

from django import forms
from django.core.paginator import Paginator

NOW = datetime.datetime(2026, 11, 24, 9, 42, 4, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)


class PieceForm(forms.Form):
    """A form with one of each: hint, error, choice, box."""

    name = forms.CharField(help_text="At most 15 characters", max_length=15)
    memory = forms.IntegerField(min_value=1, max_value=156)
    switch = forms.ChoiceField(choices=[("a", "Converged"), ("b", "Storage")], required=False)
    start = forms.BooleanField(label="Start when deployed", required=False, help_text="On n2")

    def clean(self) -> dict[str, Any]:
        self.add_error(None, "No attested host has room.")
        return self.cleaned_data


def _step(name: str, status: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "status": status} | more


def _aged(freshness: str, observed_at: datetime.datetime | None, problem: str = "") -> Any:
    return SimpleNamespace(freshness=freshness, observed_at=observed_at, problem=problem)


def _place(name: str, allowed: bool, *reasons: tuple[str, str]) -> Any:
    host = SimpleNamespace(pk=name, name=name, memory_available_bytes=36 << 30)
    told = [SimpleNamespace(message=message, fix=fix) for message, fix in reasons]
    return SimpleNamespace(host=host, allowed=allowed, reasons=told)


def spans() -> list[dict[str, Any]]:
    """Passed, expired, nothing, insecure: with a hole that no span covers."""
    return [
        {"status": "Passed", "start": NOW - 10 * HOUR, "end": NOW - 6 * HOUR, "title": "Passed"},
        {"status": "Expired", "start": NOW - 6 * HOUR, "end": NOW - 5 * HOUR, "title": "Expired"},
        {"status": None, "start": NOW - 5 * HOUR, "end": NOW - 4 * HOUR, "title": "Silent"},
        {
            "status": "InsecureHostConfiguration",
            "start": NOW - 3 * HOUR,
            "end": NOW,
            "title": "SecureBoot",
        },
    ]


def context() -> dict[str, Any]:
    return {
        "rows": [f"vm-{number:02}" for number in range(12)],
        "states": [
            ("ok", "play-fill", "Running"),
            ("idle", "stop-line", "Off"),
            ("warn", "pause-fill", "Paused"),
            ("bad", "bad", "Critical"),
            ("info", "sync", "Starting"),
            ("", "unknown", "Unknown"),
        ],
        "protections": ["none", "vtpm", "encryption-supported", "shielded", "unknown"],
        "verdicts": [
            "Passed",
            "InsecureHostConfiguration",
            "UnauthorizedHost",
            "TpmError",
            "Expired",
            "TransientError",
            "NotConfigured",
            "",
        ],
        "ages": [_aged("live", NOW), _aged("stale", NOW, "It is slow"), _aged("unknown", None)],
        "form": PieceForm({"name": "a name that is much too long", "memory": "192"}),
        "page": Paginator(range(10_000), 50).get_page(7),
        "checks": [
            {"ok": True, "message": "Pair fits", "took": "0.2 s"},
            {"ok": False, "message": "No room", "fix": "Choose another volume."},
            {"ok": None, "message": "Name is free"},
        ],
        "steps": [
            _step("Check again", "succeeded", message="All passed", took="2 s"),
            _step("Copy the template disk", "running", progress=58, message="12.4 of 21.3 GiB"),
            _step("Provision", "failed", message="Refused: verdict Expired"),
            _step("Add to the cluster", "cancelled"),
            _step("Start", "pending"),
        ],
        "placements": [
            _place("n1", True),
            _place("n2", False, ("Secure Boot is off.", "Turn it on in the firmware.")),
        ],
        "chosen": "n1",
        "spans": spans(),
        "start": NOW - 10 * HOUR,
        "end": NOW,
        "parts": [
            {"size": 7, "kind": "sys", "text": "1"},
            {"size": 3, "kind": "", "text": "2"},
            {"size": 90, "kind": "hatch", "text": "3"},
        ],
        "values": [10, 20, None, 40, 30],
        "scripts": [{"title": "Move", "text": "Move-ClusterVirtualMachineRole -Name 'dc-01'"}],
        "tools_counts": {"Virtual machines": 12},
        "section": "vms",
    }

"""The main job on a running demo: from the request to a shielded machine that runs."""

import time
import uuid
from typing import Any

from benchmarks.clients import Client, say

VALUES = {"@ComputerName@": "BENCH", "@TimeZone@": "UTC"}


def deploying(demo: dict[str, Any], times: int = 3) -> None:
    """Brings the first pair that applies, unless it is there, and deploys it; the machines that
    it makes are deleted again.
    """
    clients = {user["username"]: Client(demo["url"], user["api_token"]) for user in demo["users"]}
    admin, lab = clients["admin"], Client(demo["lab"]["control_url"])
    sample = next(sample for sample in demo["samples"] if sample["applies"])
    begun = time.perf_counter()
    owner = clients[sample["tenant"]]
    disk = owner.bring(sample["template_disk"], "template-disk")
    data = owner.bring(sample["shielding_data"], "shielding-data")
    say(f"two files, from the first byte to usable: {time.perf_counter() - begun:.2f} s")
    body = _place(admin, lab) | {
        "processors": 2, "memory_bytes": 1 << 30, "start": True,
        "template_disk": disk["id"], "shielding_data": data["id"],
        "specialization": {key: VALUES.get(key, "bench") for key in sample["substitutions"]},
    }  # fmt: skip
    for _ in range(times):
        _deploy(admin, lab, body | {"name": f"bench-{uuid.uuid4().hex[:8]}"})


def _place(admin: Client, lab: Client) -> dict[str, str]:
    """The cluster with the most attested hosts, its first volume and switch."""
    _, state = lab.ask("GET", "/state")
    name = max(state["clusters"], key=_attested)["name"]
    found: dict[str, str] = {}
    for noun, place in (("volume", "volumes"), ("virtual_switch", "virtual-switches")):
        _, rows = admin.ask("GET", f"/api/v1/{place}/?cluster={name}")
        row = next(row for row in rows["results"] if row["cluster"]["name"] == name)
        found |= {noun: row["id"], "cluster": row["cluster"]["id"]}
    return found


def _attested(cluster: dict[str, Any]) -> int:
    return sum((node["attestation"] or {}).get("status") == "Passed" for node in cluster["nodes"])


def _deploy(admin: Client, lab: Client, body: dict[str, Any]) -> None:
    before, begun = _calls(lab), time.perf_counter()
    status, row = admin.ask("POST", "/api/v1/deployments/", body)
    if status != 202:
        say(f"deployment: answered {status}: {row.get('detail')}")
        return
    ended = admin.follow(f"/api/v1/operations/{row['operation']['id']}/")
    seconds = time.perf_counter() - begun
    after = _calls(lab)
    reading = any(
        after["scripts"].get(name, 0) > before["scripts"].get(name, 0)
        for name in ("Get-ClusterInventory", "Get-HostInventory")
    )
    line = f"deployment: {ended['status']} in {seconds:.2f} s, {len(ended['steps'])} steps, "
    line += f"{after['requests'] - before['requests']} WinRM requests"
    say(line + (", those of a reading of the clusters among them" if reading else ""))
    made = admin.ask("GET", row["url"])[1]["virtual_machine"]
    if made is not None:
        address = f"/api/v1/virtual-machines/{made['id']}/"
        admin.follow(admin.ask("POST", f"{address}turn-off/")[1]["url"])
        admin.follow(admin.ask("DELETE", address)[1]["url"])


def _calls(lab: Client) -> dict[str, Any]:
    found: dict[str, Any] = lab.ask("GET", "/state")[1]["calls"]
    return found

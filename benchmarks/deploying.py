"""The main job on a running demo: from the request to a shielded machine that runs."""

import time
import uuid
from typing import Any

from benchmarks.clients import Client, say

VALUES = {"@ComputerName@": "BENCH", "@TimeZone@": "UTC"}


#: Machines that are asked for at once.
MANY = 50


def deploying(demo: dict[str, Any], times: int = 3) -> None:
    """Brings the first pair that applies, unless it is there, and deploys it: shielded, without
    its shielding data, and both fifty times at once. The machines are deleted again.
    """
    clients = {user["username"]: Client(demo["url"], user["api_token"]) for user in demo["users"]}
    admin, lab = clients["admin"], Client(demo["lab"]["control_url"])
    sample = next(sample for sample in demo["samples"] if sample["applies"])
    begun = time.perf_counter()
    owner = clients[sample["tenant"]]
    disk = owner.bring(sample["template_disk"], "template-disk")
    data = owner.bring(sample["shielding_data"], "shielding-data")
    admin.until("/api/v1/library/pairs/?limit=1000", lambda told: _is_judged(told, disk, data))
    seconds = time.perf_counter() - begun
    say(f"two files, from the first byte to a pair that applies: {seconds:.2f} s")
    values = {key: VALUES.get(key, "bench") for key in sample["substitutions"]}
    regular = _place(admin, lab) | {
        "processors": 2, "memory_bytes": 1 << 30, "start": True, "template_disk": disk["id"],
    }  # fmt: skip
    shielded = regular | {"shielding_data": data["id"], "specialization": values}
    for words, body in (("shielded", shielded), ("regular", regular)):
        for _ in range(times):
            _deploy(admin, lab, words, body | {"name": f"bench-{uuid.uuid4().hex[:8]}"})
        _deploy_many(admin, lab, words, body)


def _is_judged(told: dict[str, Any], disk: dict[str, Any], data: dict[str, Any]) -> bool:
    return any(
        pair["template_disk"]["id"] == disk["id"]
        and pair["shielding_data"]["id"] == data["id"]
        and pair["applicable"] is not None
        for pair in told["results"]
    )


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


def _deploy(admin: Client, lab: Client, words: str, body: dict[str, Any]) -> None:
    before, begun = _calls(lab), time.perf_counter()
    status, row = admin.ask("POST", "/api/v1/deployments/", body)
    if status != 202:
        say(f"{words} deployment: answered {status}: {row.get('detail')}")
        return
    ended = admin.follow(f"/api/v1/operations/{row['operation']['id']}/")
    seconds = time.perf_counter() - begun
    line = f"{words} deployment: {ended['status']} in {seconds:.2f} s, {len(ended['steps'])} steps"
    say(f"{line}, {_used(before, _calls(lab))}")
    _delete(admin, [admin.ask("GET", row["url"])[1]["virtual_machine"]])


def _deploy_many(admin: Client, lab: Client, words: str, body: dict[str, Any]) -> None:
    """A batch; asking for it and the whole are timed apart."""
    own = {"specialization": body["specialization"]} if "specialization" in body else {}
    shared = {key: value for key, value in body.items() if key not in own}
    mark = uuid.uuid4().hex[:6]
    rows = [{"name": f"bench-{mark}-{n:02}"} | own for n in range(MANY)]
    before, begun = _calls(lab), time.perf_counter()
    status, row = admin.ask("POST", "/api/v1/deployments/batch/", shared | {"rows": rows})
    asked = time.perf_counter() - begun
    if status != 202:
        say(f"{MANY} {words} deployments: answered {status}: {row.get('detail')}")
        return
    ended = admin.until(
        f"/api/v1/operations/{row['operation']['id']}/",
        lambda told: told["status"] not in ("queued", "running"), seconds=900, every=0.5,
    )  # fmt: skip
    seconds = time.perf_counter() - begun
    told = admin.ask("GET", row["url"])[1]["rows"]
    well = sum(one["status"] == "succeeded" for one in told)
    line = f"{MANY} {words} deployments at once: {ended['status']}, {well} of {MANY} made in "
    line += f"{seconds:.1f} s (asking took {asked:.2f} s)"
    say(f"{line}, {_used(before, _calls(lab))}")
    for one in told:
        if one["error"]:
            say(f"  {one['name']}: {one['error']['message']}")
    _delete(admin, [one["virtual_machine"] for one in told])


def _used(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Calls of scripts and the HTTP requests that they took. Readings of the clusters, which go on
    meanwhile, are left out of the calls; the requests count them.
    """
    calls = {
        name: number - before["scripts"].get(name, 0)
        for name, number in after["scripts"].items()
        if number > before["scripts"].get(name, 0)
    }
    reading = sum(calls.pop(name, 0) for name in ("Get-ClusterInventory", "Get-HostInventory"))
    line = f"{sum(calls.values())} WinRM calls of {len(calls)} scripts, "
    line += f"{after['requests'] - before['requests']} requests"
    return line + (f" with those of {reading} readings" if reading else "")


def _delete(admin: Client, machines: list[dict[str, str] | None]) -> None:
    """Several at a time, as each takes two operations of its own."""
    addresses = [f"/api/v1/virtual-machines/{one['id']}/" for one in machines if one is not None]
    for verb in ("turn-off", ""):
        asked = [
            admin.ask("POST", f"{address}{verb}/") if verb else admin.ask("DELETE", address)
            for address in addresses
        ]
        for _, operation in asked:
            admin.follow(operation["url"])


def _calls(lab: Client) -> dict[str, Any]:
    lab.connection.close()  # the lab closes what is quiet for long
    found: dict[str, Any] = lab.ask("GET", "/state")[1]["calls"]
    return found

"""The way in: what the preflight of a cluster tries, for a host that was added."""

from __future__ import annotations

from apps import remoting
from apps.fabric.host_checks.trial import Trial
from apps.fabric.ways import judged


def check(trial: Trial) -> bool:
    """Whether the account may run commands."""
    endpoint, results = trial.endpoint, trial.results
    steps = remoting.probe(endpoint)
    way = [step for step in steps if step.id != "sign-in"]
    results.tell("way-in", all(step.ok for step in way), " ".join(step.message for step in way))
    signed_in = steps[-1].id == "sign-in" and steps[-1].ok
    if steps[-1].id == "sign-in":
        results.tell("sign-in", signed_in, " ".join((steps[-1].message, steps[-1].fix)).strip())
    chosen = endpoint.port, f"http{'s' if endpoint.use_tls else ''}-{endpoint.transport}"
    ways = judged(remoting.survey(endpoint), chosen, works=signed_in)
    offered = [f"{way.name} at port {way.port}" for way in ways if way.offered]
    used = any(way.chosen and way.offered for way in ways)
    results.tell("ways-offered", used, ", ".join(offered) or "none")
    return signed_in

"""The scripts of apps/attestation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.lab.handlers.common import attestation_of, text

if TYPE_CHECKING:
    from apps.lab.engine import HandlerContext


def set_host_guardian(
    ctx: HandlerContext, AttestationServerUrl: str, KeyProtectionServerUrl: str
) -> dict[str, Any]:
    wanted = (AttestationServerUrl.casefold(), KeyProtectionServerUrl.casefold())
    hgs = ctx.one("Get-HgsClientConfiguration")
    has = text(hgs["AttestationServerUrl"]), text(hgs["KeyProtectionServerUrl"])
    if (has[0].casefold(), has[1].casefold()) != wanted:
        ctx.run(
            "Set-HgsClientConfiguration",
            AttestationServerUrl=AttestationServerUrl,
            KeyProtectionServerUrl=KeyProtectionServerUrl,
        )
        hgs = ctx.one("Get-HgsClientConfiguration")
    return attestation_of(hgs)


def get_host_diagnostics(ctx: HandlerContext) -> dict[str, Any]:
    trace = ctx.run("Get-HgsTrace", RunDiagnostics=True, Detailed=True)
    results = [
        {
            "name": _first_of(row, "Name", "Title"),
            "category": _first_of(row, "Category"),
            "result": _first_of(row, "Result", "Status"),
            "message": _first_of(row, "Message", "Description"),
        }
        for group in trace
        for row in group.get("Results", [])
    ]
    overall = _first_of(trace[0], "OverallResult", "Result") if trace else ""
    return {"overall": overall or "Unknown", "results": results}


def _first_of(row: dict[str, Any], *names: str) -> str:
    """The first property that the object has, "" where it has none of them."""
    return next((text(row[name]) for name in names if name in row), "")


HANDLERS = {
    "Set-HostGuardian": set_host_guardian,
    "Get-HostDiagnostics": get_host_diagnostics,
}

"""The cmdlet layer over a loopback socket, for a PowerShell engine whose cmdlets are stubs.

POST /<host name> {"name", "parameters", "input"} gives {"output": […], "errors": […]}. Dates are
{"$date": ISO 8601}, durations {"$seconds": n}. Faults of the wire end as errors here.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

from apps.lab import web
from apps.lab.cmdlets.errors import CmdletError, ScriptCancelled, WireFault
from apps.lab.cmdlets.session import Session
from apps.lab.world import World


def tagged(value: Any) -> Any:
    """JSON values only; what JSON lacks as an object with a tag."""
    if isinstance(value, datetime):
        return {"$date": value.isoformat().replace("+00:00", "Z")}
    if isinstance(value, timedelta):
        return {"$seconds": value.total_seconds()}
    if isinstance(value, dict):
        return {key: tagged(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [tagged(inner) for inner in value]
    return value


def plain(value: Any) -> Any:
    """Parameters as 5.1 writes them: a switch comes as {"IsPresent": true}."""
    if isinstance(value, dict):
        if set(value) == {"IsPresent"}:
            return bool(value["IsPresent"])
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def answer(world: World, host: str, request: dict[str, Any]) -> dict[str, Any]:
    """What a cmdlet writes, and the error it ends with."""
    session = Session(world, host)
    name = str(request["name"])
    try:
        output = session.call(name, plain(request["parameters"]), plain(request["input"] or []))
    except CmdletError as error:
        return {"output": [], "errors": [_record(error.message, error.category, error.error_id)]}
    except (WireFault, ScriptCancelled) as broken:
        return {"output": [], "errors": [_record(str(broken), "ConnectionError", "WireFault")]}
    return {"output": tagged(output), "errors": []}


def _record(message: str, category: str, error_id: str) -> dict[str, str]:
    return {"message": message, "category": category, "id": error_id.split(",")[0]}


class _Handler(web.Handler):
    timeout = None  # a real PowerShell keeps its connection as long as it likes
    server: CmdletServer

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        reply = answer(self.server.world, unquote(self.path.lstrip("/")), request)
        content = json.dumps(reply).encode()
        self.reply(200, "application/json; charset=utf-8", content)


class CmdletServer(web.Server):
    """Serves from `start` to `stop`."""

    def __init__(self, world: World) -> None:
        self.world = world
        super().__init__("127.0.0.1", 0, _Handler, "lab-cmdlets")

    def url_of(self, host: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{quote(host, safe='')}"

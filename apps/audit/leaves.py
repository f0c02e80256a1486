"""What of an entry is hashed: one text, the same wherever and whenever it is written down."""

import datetime
import json
from typing import Any


def plain(value: Any) -> Any:
    """`value` as every database gives it back: numbers that aren't whole become their text."""
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    return str(value)


def text_of(entry: Any) -> str:
    """An entry as JSON: names sorted, no spaces, ASCII only, times to the microsecond."""
    time = entry.time.astimezone(datetime.UTC)
    told = {
        "index": entry.index,
        "time": time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "actor": {"id": entry.actor_id, "name": entry.actor_name},
        "action": entry.action,
        "target": {"kind": entry.target_kind, "id": entry.target_id, "name": entry.target_name},
        "tenant": str(entry.tenant_id) if entry.tenant_id else None,
        "outcome": str(entry.outcome),
        "detail": entry.detail,
    }
    return json.dumps(told, sort_keys=True, separators=(",", ":"), allow_nan=False)

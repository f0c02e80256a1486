"""What happens by the clock. A room's entries are in its own `schedule.SCHEDULE`."""

from importlib import import_module
from typing import Any

from fabric_portal.rooms import modules

SCHEDULE: dict[str, Any] = {}
for _module in modules("schedule"):
    SCHEDULE |= import_module(_module).SCHEDULE

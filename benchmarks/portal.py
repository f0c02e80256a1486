"""A portal of its own in a temporary folder: database, Redis, one web process, one tenant."""

import base64
import contextlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fabric_portal.demo.supervisor import die_with_parent

ROOT = Path(__file__).resolve().parent.parent
_PEOPLE = """
from apps.accounts.choices import Role
from apps.accounts.models import Tenant, User
from apps.accounts.services import issue_token
tenant = Tenant.objects.create(name="bench", quota_bytes=1 << 50)
user = User.objects.create_user(username="bench", password="", role=Role.TENANT, tenant=tenant)
print(issue_token(actor=None, user=user, name="bench")[1])
"""
_GRANT = """
import hashlib, secrets, sys
from datetime import timedelta
from django.utils import timezone
from apps.fabric.models import Cluster, Host
from apps.library import arrival, content
from apps.library.models import Upload
from apps.operations.models import Operation
upload = Upload.objects.get(pk="{upload}")
arrival.receive(upload.pk)
cluster, _ = Cluster.objects.get_or_create(
    name="bench", defaults=dict(address="192.0.2.1", port=1, use_tls=False, transport="ntlm"))
host, _ = Host.objects.get_or_create(cluster=cluster, name="bench-1", address="127.0.0.1")
operation = Operation.objects.create(kind="t", target_kind="t", target_id="1", title="t")
upload.refresh_from_db()
print(content.grant(upload, host, operation).split("/content/")[1])
"""


@dataclass
class Portal:
    """`folder` is its data folder; `pid` that of the web process."""

    folder: Path
    port: int
    tls_port: int
    token: str
    pid: int
    environment: dict[str, str]

    def tell(self, program: str) -> str:
        """What a program in the portal's own process prints last."""
        done = subprocess.run(  # noqa: S603
            [sys.executable, "manage.py", "shell", "-v0", "-c", program], cwd=ROOT,
            env=self.environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip().splitlines()[-1]

    def address_of(self, upload: str) -> str:
        """The path at which a host fetches what was uploaded."""
        key = upload.strip("/").rsplit("/", 1)[-1]
        return "/content/" + self.tell(_GRANT.format(upload=key))

    def memory(self, what: str) -> int:
        """MiB of the web process: `VmRSS` now, `VmHWM` the most that it ever was."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(what)) // 1024


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def portal(**more: str) -> Iterator[Portal]:
    with tempfile.TemporaryDirectory(prefix="fabric-bench-") as name:
        port, tls_port = free_port(), free_port()
        environment = os.environ | {
            "FABRIC_DATA_DIR": name, "FABRIC_SECRET_KEY": secrets.token_urlsafe(40),
            "FABRIC_CREDENTIAL_KEYS": f"k:{base64.b64encode(secrets.token_bytes(32)).decode()}",
            "DJANGO_SETTINGS_MODULE": "fabric_portal.settings", "FABRIC_LOG_LEVEL": "ERROR", **more,
        }  # fmt: skip
        (Path(name) / "static").mkdir()
        found = Portal(Path(name), port, tls_port, "", 0, environment)
        with contextlib.ExitStack() as stack:
            stack.enter_context(_process(environment, "redis_server"))
            _manage(environment, "migrate", "-v0")
            found.token = found.tell(_PEOPLE)
            ports = ["--port", str(port), "--tls-port", str(tls_port)]
            web = stack.enter_context(_process(environment, "serve", *ports))
            found.pid = web.pid
            when_there(port)
            when_there(tls_port)
            yield found


def _manage(environment: dict[str, str], *words: str) -> None:
    command = [sys.executable, "manage.py", *words]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)  # noqa: S603


@contextlib.contextmanager
def _process(environment: dict[str, str], *words: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "manage.py", *words], cwd=ROOT, env=environment, preexec_fn=die_with_parent
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def when_there(port: int) -> None:
    """Waits until something listens on the port."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        time.sleep(0.05)
    raise SystemExit(f"nothing answers on port {port}")

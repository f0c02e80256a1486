"""WS-Management envelopes: reading requests, writing answers and faults, as Windows words them."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape, quoteattr

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

_SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
_WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
_ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_IDENTITY = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
_FAULT_DETAIL = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
ANONYMOUS = f"{_ADDRESSING}/role/anonymous"
CMD_SHELL = f"{_SHELL}/cmd"
STATE = f"{_SHELL}/CommandState"
FAULT_ACTION = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
CREATE = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Create"
DELETE = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Delete"
COMMAND = f"{_SHELL}/Command"
SEND = f"{_SHELL}/Send"
RECEIVE = f"{_SHELL}/Receive"
SIGNAL = f"{_SHELL}/Signal"

_NAMES = {"s": _SOAP, "a": _ADDRESSING, "w": _WSMAN, "rsp": _SHELL}
_NAMESPACES = (
    'xml:lang="en-US"'
    f' xmlns:s="{_SOAP}"'
    f' xmlns:a="{_ADDRESSING}"'
    ' xmlns:x="http://schemas.xmlsoap.org/ws/2004/09/transfer"'
    f' xmlns:w="{_WSMAN}"'
    f' xmlns:rsp="{_SHELL}"'
    ' xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"'
)
_DURATION = re.compile(r"^PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?$")


@dataclass
class Fault(Exception):
    """A SOAP fault: `code` is Windows' number for it, `subcode` the WS-Management name.

    `reason` is the general sentence where it differs from the message, `detail` the last part of
    a WS-Management fault detail, `provider` whether the shell's plug-in says it.
    """

    code: int
    subcode: str
    message: str
    sender: bool = True
    reason: str = ""
    detail: str = ""
    provider: bool = False


def timed_out() -> Fault:
    """No output within OperationTimeout: the client asks again, for as long as it likes."""
    text = (
        "The WS-Management service cannot complete the operation within the time specified in"
        " OperationTimeout.  "
    )
    return Fault(2150858793, "w:TimedOut", text, sender=False)


def unknown_shell() -> Fault:
    text = (
        "The request for the Windows Remote Shell with ShellId failed because the shell was not"
        " found on the server. Possible causes are: the specified ShellId is incorrect or the"
        " shell no longer exists on the server. Provide the correct ShellId or create a new shell"
        " and retry the operation. "
    )
    return Fault(2150858843, "w:InvalidSelectors", text)


def unknown_command() -> Fault:
    return Fault(
        2150858843,
        "w:InvalidSelectors",
        "The Windows Remote Shell received a request to perform an operation on a command"
        " identifier that does not exist. Either the command has completed execution or the"
        " client specified an invalid command identifier. ",
        reason="The WS-Management service cannot process the request because the request"
        " contained invalid selectors for the resource. ",
        detail="UnexpectedSelectors",
    )


def no_such_file() -> Fault:
    """A program started without cmd.exe is looked for nowhere: its path must be whole."""
    text = "The system cannot find the file specified. "
    return Fault(2147942402, "w:InternalError", text, sender=False, provider=True)


def invalid(message: str) -> Fault:
    return Fault(2150858752, "w:SchemaValidationError", message)


@dataclass(frozen=True)
class Envelope:
    """What a request says; ids as the client wrote them."""

    action: str
    message_id: str
    to: str
    resource: str
    shell_id: str
    timeout: float  # seconds a Receive may stay open
    size: int  # bytes of the largest answer the client takes
    options: dict[str, str] = field(default_factory=dict)
    body: Element = field(default_factory=lambda: Element("Body"))

    def text(self, name: str) -> str:
        """Text of the body's first `rsp:` element of a name; "" without one."""
        return self.body.findtext(f".//rsp:{name}", "", _NAMES) or ""

    def texts(self, name: str) -> list[str]:
        return [node.text or "" for node in self.body.findall(f".//rsp:{name}", _NAMES)]

    def attribute(self, name: str, attribute: str) -> str:
        node = self.body.find(f".//rsp:{name}", _NAMES)
        return node.get(attribute, "") if node is not None else ""


def parse(data: bytes) -> Envelope:
    """Reads a request; raises Fault for what is no envelope."""
    try:
        root = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise invalid(f"The SOAP packet is not valid XML: {error}") from error
    header, body = root.find("s:Header", _NAMES), root.find("s:Body", _NAMES)
    if header is None or body is None:
        raise invalid("The SOAP envelope has no header or no body.")

    def text(name: str) -> str:
        return (header.findtext(f".//{name}", "", _NAMES) or "").strip()

    size = text("w:MaxEnvelopeSize")
    return Envelope(
        action=text("a:Action"),
        message_id=text("a:MessageID"),
        to=text("a:To"),
        resource=text("w:ResourceURI"),
        shell_id=_named(header, "w:Selector").get("ShellId", ""),
        timeout=_seconds(text("w:OperationTimeout")),
        size=int(size) if size.isascii() and size.isdigit() else 153_600,
        options=_named(header, "w:Option"),
        body=body,
    )


def _named(header: Element, name: str) -> dict[str, str]:
    nodes = header.findall(f".//{name}", _NAMES)
    return {node.get("Name", ""): (node.text or "").strip() for node in nodes}


def _seconds(duration: str) -> float:
    """An xs:duration of hours at most; a client that says nothing gets Windows' 60 s."""
    match = _DURATION.match(duration)
    if not match:
        return 60.0
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def answer(request: Envelope, body: str, *, action: str = "") -> bytes:
    """The envelope that answers a request; `body` is XML of the prefixes s a x w rsp p."""
    return _envelope(action or f"{request.action}Response", request.message_id, body)


def _envelope(action: str, relates_to: str, body: str) -> bytes:
    text = (
        f"<s:Envelope {_NAMESPACES}><s:Header><a:Action>{escape(action)}</a:Action>"
        f"<a:MessageID>uuid:{new_id()}</a:MessageID><a:To>{ANONYMOUS}</a:To>"
        f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo></s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    )
    return text.encode()


def fault(fault: Fault, relates_to: str, machine: str) -> bytes:
    """The envelope of a fault; goes out with HTTP status 500."""
    body = (
        f"<s:Fault><s:Code><s:Value>s:{'Sender' if fault.sender else 'Receiver'}</s:Value>"
        f"<s:Subcode><s:Value>{escape(fault.subcode)}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{escape(fault.reason or fault.message)}</s:Text>'
        f"</s:Reason><s:Detail>{_detail(fault)}"
        f'<f:WSManFault xmlns:f="{_FAULT_DETAIL}"'
        f' Code="{fault.code}" Machine={quoteattr(machine)}>'
        f"<f:Message>{_fault_message(fault)}</f:Message></f:WSManFault></s:Detail></s:Fault>"
    )
    return _envelope(FAULT_ACTION, relates_to, body)


def _detail(fault: Fault) -> str:
    if not fault.detail:
        return ""
    base = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail"
    return f"<w:FaultDetail>{base}/{escape(fault.detail)}</w:FaultDetail>"


def _fault_message(fault: Fault) -> str:
    if not fault.provider:
        return escape(fault.message)
    path = "%systemroot%\\system32\\winrscmd.dll"
    return (
        f'<f:ProviderFault provider="Shell cmd plugin" path="{path}">'
        f"{escape(fault.message)}</f:ProviderFault>"
    )


def identity() -> bytes:
    """The answer to Identify, which needs no sign-in."""
    text = (
        f'<s:Envelope xml:lang="" xmlns:s="{_SOAP}"><s:Header/><s:Body>'
        f'<wsmid:IdentifyResponse xmlns:wsmid="{_IDENTITY}">'
        f"<wsmid:ProtocolVersion>{_WSMAN}</wsmid:ProtocolVersion>"
        "<wsmid:ProductVendor>Microsoft Corporation</wsmid:ProductVendor>"
        "<wsmid:ProductVersion>OS: 0.0.0 SP: 0.0 Stack: 3.0</wsmid:ProductVersion>"
        "</wsmid:IdentifyResponse></s:Body></s:Envelope>"
    )
    return text.encode()


def is_identify(data: bytes) -> bool:
    """Whether an unauthenticated body asks Identify; it may have no addressing header at all."""
    try:
        root = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        return False
    return root.find(f"s:Body/{{{_IDENTITY}}}Identify", _NAMES) is not None


def new_id() -> str:
    """A UUID in Windows' capitals."""
    return str(uuid.uuid4()).upper()

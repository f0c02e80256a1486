"""WS-Management envelopes: reading requests, writing answers and faults, as Windows words them."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape, quoteattr

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from apps.lab.wsman.faults import Fault, no_header, not_the_schema

SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
_WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
_ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_IDENTITY = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
_FAULT_DETAIL = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
ANONYMOUS = f"{_ADDRESSING}/role/anonymous"
CMD_SHELL = f"{SHELL}/cmd"
CONFIG = "http://schemas.microsoft.com/wbem/wsman/1/config"
STATE = f"{SHELL}/CommandState"
FAULT_ACTION = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
GET = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Get"
CREATE = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Create"
DELETE = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Delete"
COMMAND = f"{SHELL}/Command"
SEND = f"{SHELL}/Send"
RECEIVE = f"{SHELL}/Receive"
SIGNAL = f"{SHELL}/Signal"

_NAMES = {"s": _SOAP, "a": _ADDRESSING, "w": _WSMAN, "rsp": SHELL}
_URIS = {
    "s": _SOAP,
    "a": _ADDRESSING,
    "x": "http://schemas.xmlsoap.org/ws/2004/09/transfer",
    "e": "http://schemas.xmlsoap.org/ws/2004/08/eventing",
    "n": "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
    "w": _WSMAN,
    "rsp": SHELL,
    "p": "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd",
}
#: Which prefixes an answer declares, by its request's action; a fault has a list of its own.
_PREFIXES = {RECEIVE: "s a w rsp p", DELETE: "s a w p"}
_PREFIXES_ELSE, _PREFIXES_OF_FAULT = "s a x w rsp p", "s a x e n w p"
SMALLEST_ENVELOPE = 8192
LONGEST_OPERATION = 60.0  # MaxTimeoutms
_UTF_8 = re.compile(rb'(<\?xml version="1\.0" encoding="utf-8"\?>\s*)?<[a-z]', re.IGNORECASE)
_ACTION = re.compile(rb"<(?:\w+:)?Action[^>]*>\s*([^<\s]+)")
_DURATION = re.compile(r"^PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?$")


@dataclass(frozen=True)
class Envelope:
    """What a request says; ids as the client wrote them."""

    action: str
    message_id: str
    to: str
    resource: str
    shell_id: str
    timeout: float  # seconds a Receive may stay open
    size: int  # bytes of the largest answer the client takes; 0 when it doesn't say
    options: dict[str, str] = field(default_factory=dict)
    body: Element = field(default_factory=lambda: Element("Body"))

    def text(self, name: str) -> str:
        """Text of the body's first `rsp:` element of a name; "" without one."""
        return self.body.findtext(f".//rsp:{name}", "", _NAMES) or ""

    def texts(self, name: str) -> list[str]:
        return [node.text or "" for node in self.body.findall(f".//rsp:{name}", _NAMES)]

    def named_texts(self, name: str) -> dict[str, str]:
        """Texts of the body's `rsp:` elements of a name, by their attribute Name."""
        nodes = self.body.findall(f".//rsp:{name}", _NAMES)
        return {node.get("Name", ""): node.text or "" for node in nodes}

    def xml(self, name: str) -> str:
        """The body's first `rsp:` element of a name as XML of an answer; "" without one."""
        node = self.body.find(f".//rsp:{name}", _NAMES)
        return "" if node is None else _rsp(node)

    def attribute(self, name: str, attribute: str) -> str:
        node = self.body.find(f".//rsp:{name}", _NAMES)
        return node.get(attribute, "") if node is not None else ""


def _rsp(node: Element) -> str:
    """An element of the shell's namespace and those in it, with the prefix rsp."""
    name = node.tag.rpartition("}")[2]
    attributes = "".join(f" {key}={quoteattr(value)}" for key, value in node.items())
    inner = escape(node.text or "") + "".join(_rsp(child) for child in node)
    return f"<rsp:{name}{attributes}>{inner}</rsp:{name}>"


def _tree(data: bytes) -> Element:
    """Of a request; raises ParseError, ValueError or DefusedXmlException. What is UTF-8
    without a "<!" has no DTD: then the quick parser is as safe as the other."""
    if _UTF_8.match(data) and b"<!" not in data:
        return ElementTree.fromstring(data)  # noqa: S314 - as said
    return fromstring(data, forbid_dtd=True)


def parse(data: bytes) -> Envelope:
    """Reads a request; raises Fault for what is no envelope."""
    try:
        root = _tree(data)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise not_the_schema() from error
    header, body = root.find("s:Header", _NAMES), root.find("s:Body", _NAMES)
    if root.tag != f"{{{_SOAP}}}Envelope" or header is None or body is None:
        raise not_the_schema()

    texts: dict[str, str] = {}
    selectors: dict[str, str] = {}
    options: dict[str, str] = {}
    for node in header.iter():
        text = (node.text or "").strip()
        texts.setdefault(node.tag, text)
        if node.tag == f"{{{_WSMAN}}}Selector":
            selectors[node.get("Name", "")] = text
        elif node.tag == f"{{{_WSMAN}}}Option":
            options[node.get("Name", "")] = text
    action, message_id, to = (
        texts.get(f"{{{_ADDRESSING}}}{name}", "") for name in ("Action", "MessageID", "To")
    )
    resource, duration, size = (
        texts.get(f"{{{_WSMAN}}}{name}", "")
        for name in ("ResourceURI", "OperationTimeout", "MaxEnvelopeSize")
    )
    if not (action and message_id):
        raise no_header()
    return Envelope(
        action=action,
        message_id=message_id,
        to=to,
        resource=resource,
        shell_id=selectors.get("ShellId", ""),
        timeout=_seconds(duration),
        size=int(size) if size.isascii() and size.isdigit() else 0,
        options=options,
        body=body,
    )


def action_of(data: bytes) -> str:
    """The last word of a request's action, such as Receive, without reading the whole of it; ""
    where none is found."""
    found = _ACTION.search(data)
    return found[1].decode("utf-8", "replace").rpartition("/")[2] if found else ""


def _seconds(duration: str) -> float:
    """How long an operation may take; a client that says nothing, or more, gets Windows' 60 s."""
    return min(seconds_of(duration, LONGEST_OPERATION), LONGEST_OPERATION)


def seconds_of(duration: str, default: float) -> float:
    """An xs:duration of hours at most, in seconds."""
    match = _DURATION.match(duration)
    if not match:
        return default
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def answer(request: Envelope, body: str) -> bytes:
    """The envelope that answers a request; `body` is XML of the prefixes s a x w rsp p."""
    prefixes = _PREFIXES.get(request.action, _PREFIXES_ELSE)
    return _envelope(f"{request.action}Response", request.message_id, body, prefixes)


def _envelope(action: str, relates_to: str, body: str, prefixes: str) -> bytes:
    related = f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo>" if relates_to else ""
    names = " ".join(f'xmlns:{prefix}="{_URIS[prefix]}"' for prefix in prefixes.split())
    text = (
        f'<s:Envelope xml:lang="en-US" {names}><s:Header><a:Action>{escape(action)}</a:Action>'
        f"<a:MessageID>uuid:{new_id()}</a:MessageID><a:To>{ANONYMOUS}</a:To>"
        f"{related}</s:Header>"
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
    return _envelope(FAULT_ACTION, relates_to, body, _PREFIXES_OF_FAULT)


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
        root = _tree(data)
    except (ParseError, DefusedXmlException, ValueError):
        return False
    return root.find(f"s:Body/{{{_IDENTITY}}}Identify", _NAMES) is not None


def new_id() -> str:
    """A UUID in Windows' capitals."""
    return str(uuid.uuid4()).upper()

"""PowerShell's error stream, which reaches a pipe as CLIXML."""

from __future__ import annotations

import re
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_TEXT = "{http://schemas.microsoft.com/powershell/2004/04}S"


def plain(stderr: bytes) -> str:
    """The words in it; what is no CLIXML comes back as it is."""
    text = stderr.decode("utf-8", "replace").strip()
    if not text.startswith("#< CLIXML"):
        return text
    _, _, xml = text.partition("\n")
    try:
        root = fromstring(xml, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        return text
    nodes = [node.text or "" for node in root.iter(_TEXT) if node.get("S") == "Error"]
    return _ESCAPED.sub(lambda m: chr(int(m.group(1), 16)), "".join(nodes)).strip()

"""What may be the name of a virtual machine that also names a folder on a Windows volume."""

import re
import unicodedata

LONGEST = 100
FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
DEVICES = re.compile(r"(CON|PRN|AUX|NUL|COM[0-9¹²³]|LPT[0-9¹²³])(\..*)?", re.IGNORECASE)


def fault(name: str) -> str:
    """Why it can't be one; empty where it can."""
    if not name.strip():
        return "The name is blank."
    if len(name) > LONGEST:
        return f"The name has {len(name)} characters; {LONGEST} are the most."
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") for letter in name):
        return "The name holds a character that can’t be seen."
    if found := FORBIDDEN.search(name):
        return f"The name holds {found.group()}, which no folder on Windows may."
    if name != name.strip() or name.endswith("."):
        return "The name begins or ends with a space, or ends with a full stop."
    if DEVICES.fullmatch(name):
        return "The name is one that Windows keeps for a device."
    return ""

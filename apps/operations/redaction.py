"""Parameters of scripts as people may read them."""

import re
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from apps.common.redact import MASK, without_secrets

# Beside what is a secret by its name everywhere: signed addresses, and keys of products.
ALSO = re.compile(r"token|product.?key|^@.*pass|^url$|signature", re.IGNORECASE)


def parameters(value: Any) -> Any:
    """The same parameters; secrets are masked, and addresses lose what signs them."""
    return _signed(without_secrets(value))


def _signed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _masked(key, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_signed(inner) for inner in value]
    return value


def _masked(key: str, value: Any) -> Any:
    if ALSO.search(str(key)) and value not in (None, ""):
        return MASK
    if isinstance(value, str) and "url" in str(key).lower():
        return _bare(value)
    return _signed(value)


def _bare(address: str) -> str:
    """An address without its query and without who signs in there."""
    try:
        parts = urlsplit(address)
        where = parts.hostname or ""
        where = f"{where}:{parts.port}" if parts.port else where
    except ValueError:
        return MASK
    return urlunsplit((parts.scheme, where, parts.path, "", ""))

"""Documents without what must not be kept or shown."""

import re
from typing import Any

SECRET_NAME = re.compile(
    r"pass(word|phrase|wd)|secret|(private|client).?key|api.?key|api.?token|credential|authorization|cookie",
    re.I,
)
MASK = "[redacted]"


def without_secrets(value: Any) -> Any:
    """The same document; what stands under a name that tells of a secret is masked."""
    if isinstance(value, dict):
        return {
            key: MASK
            if SECRET_NAME.search(str(key)) and inner not in (None, "")
            else without_secrets(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_secrets(inner) for inner in value]
    return value

"""JSON bodies: objects only, no deeper and no stranger than what a request needs."""

import json
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework.parsers import BaseParser

from apps.common.errors import Invalid, TooLarge

DEEPEST = 32


class ObjectParser(BaseParser):
    """Reads one JSON object. Whatever else arrives is refused as invalid, naming the field if
    there is one.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(most + 1)
        if len(body) > most:
            raise TooLarge(f"The body is larger than {most >> 10} KiB.")
        return read_object(body)


def read_object(body: bytes) -> dict[str, Any]:
    """The object that the bytes hold; nothing at all counts as an empty one."""
    if not body.strip():
        return {}
    try:
        found = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise Invalid("The body isn't UTF-8.") from None
    except RecursionError:
        raise Invalid("The body is nested too deeply.") from None
    except ValueError as error:
        raise Invalid(f"The body isn't JSON: {error}.") from None
    if not isinstance(found, dict):
        raise Invalid(
            "The body has to be a JSON object.", hint='Send something like {"name": "…"}.'
        )
    for name, value in found.items():
        _look_through(name[:200], name)
        _look_through(name[:200], value)
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _look_through(field: str, value: Any, depth: int = 1) -> None:
    """Refuses what no database and no host can hold: NUL, half of a surrogate pair, endless
    nesting.
    """
    if depth > DEEPEST:
        raise Invalid.field(_shown(field), "It is nested too deeply.", "too_deep")
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise Invalid.field(
                _shown(field), "It holds a character that can't be kept.", "character"
            )
    elif isinstance(value, dict):
        for key, inner in value.items():
            _look_through(field, key, depth + 1)
            _look_through(field, inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _look_through(field, inner, depth + 1)


def _shown(field: str) -> str:
    return field.encode("utf-8", "replace").decode().replace("\x00", "?")

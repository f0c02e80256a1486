"""Binds the parameters of a call to a script as PowerShell's parameter binder does.

Values come as JSON has them (objects as dicts); the binder converts them to the declared types and
checks the declared validations. Its errors are those of the engine for a script block, whose
ids therefore name no command.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from apps.lab.cmdlets.errors import CmdletError
from apps.lab.declared import Declared, parameters

GUID_DIGITS = 32
_BITS = {"int": ("System.Int32", "an Int32", 31), "long": ("System.Int64", "an Int64", 63)}
_GUID = re.compile(
    r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}|\([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\)",
    re.IGNORECASE,
)
_DECIMAL = re.compile(r"\s*[+-]?\d+(\.\d+)?\s*")
_NO_GUID = "Unrecognized Guid format."
_LONG_GUID = "Guid should contain 32 digits with 4 dashes (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx)."
_GUID_OF_TRUTH = "Invalid cast from 'System.Boolean' to 'System.Guid'."


def bind(text: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters by the names that the script has; what is not given is not in it."""
    known = {row.name.casefold(): row for row in parameters(text)}
    bound: dict[str, Any] = {}
    for key, value in given.items():
        row = known.get(key.casefold())
        if row is None:
            raise CmdletError(
                f"A parameter cannot be found that matches parameter name '{key}'.",
                "InvalidArgument",
                "NamedParameterNotFound",
            )
        bound[row.name] = _checked(row, _converted(row, value))
    missing = [row.name for row in known.values() if row.mandatory and row.name not in bound]
    if missing:
        raise CmdletError(
            "Cannot process command because of one or more missing mandatory parameters: "
            f"{' '.join(missing)}.",
            "InvalidArgument",
            "MissingMandatoryParameter",
        )
    return bound


# ---- types
class _NotThis(Exception):
    """A value that can't become the type; the message is the engine's reason."""


def _converted(row: Declared, value: Any) -> Any:
    try:
        return _CONVERTERS[row.type](value)
    except _NotThis as problem:
        raise CmdletError(
            f"Cannot process argument transformation on parameter '{row.name}'. {problem}",
            "InvalidData",
            "ParameterArgumentTransformationError",
        ) from None


def _type_name(value: Any) -> str:
    """As Windows PowerShell reads JSON: a number with a point is a decimal one."""
    if type(value) is int and not -(1 << 31) <= value < 1 << 31:
        return "System.Int64"
    names = {
        bool: "System.Boolean", int: "System.Int32", float: "System.Decimal", str: "System.String",
        list: "System.Object[]", dict: "System.Collections.Hashtable",
    }  # fmt: skip
    return names.get(type(value), "")


def _text(value: Any) -> str:
    if isinstance(value, list):
        raise _NotThis("Cannot convert value to type System.String.")
    if isinstance(value, dict):
        return _type_name(value)
    return "" if value is None else str(value)


def _texts(value: Any) -> list[str] | None:
    if value is None:
        return None
    return [_text(one) for one in (value if isinstance(value, list) else [value])]


def _whole(kind: str) -> Callable[[Any], int]:
    name, article, bits = _BITS[kind]

    def convert(value: Any) -> int:
        if isinstance(value, list | dict):
            own = _type_name(value)
            raise _NotThis(f'Cannot convert the "{own}" value of type "{own}" to type "{name}".')
        number = _number(value)
        if number is None:
            raise _NotThis(
                f'Cannot convert value "{value}" to type "{name}". Error: "The input string '
                f"'{value.strip()}' was not in a correct format.\""
            )
        if not -(1 << bits) <= number < 1 << bits:
            raise _NotThis(
                f'Cannot convert value "{value}" to type "{name}". Error: "Value was either too '
                f'large or too small for {article}."'
            )
        return number

    return convert


def _number(value: Any) -> int | None:
    """Rounded to the even one of two neighbours; text may be a number, or nothing for 0."""
    if not isinstance(value, str):
        return round(value or 0)
    if not value.strip():
        return 0
    if not _DECIMAL.fullmatch(value):
        return None
    return round(Decimal(value.strip()))


def _truth(value: Any) -> bool:
    if isinstance(value, bool | int | float):
        return bool(value)
    raise _NotThis(
        f'Cannot convert value "{_type_name(value)}" to type "System.Boolean". Boolean parameters '
        "accept only Boolean values and numbers, such as $True, $False, 1 or 0."
    )


def _guid(value: Any) -> str:
    if value is None:
        raise _NotThis('Cannot convert null to type "System.Guid".')
    if isinstance(value, list):
        raise _NotThis(
            'Cannot convert the "System.Object[]" value of type "System.Object[]" to type '
            '"System.Guid".'
        )
    if isinstance(value, dict):
        return _guid_of_table(value)
    text = _text(value).strip()
    if isinstance(value, bool) or not _GUID.fullmatch(text):
        problem = _NO_GUID if len(text) < GUID_DIGITS else _LONG_GUID
        problem = _GUID_OF_TRUTH if isinstance(value, bool) else problem
        raise _NotThis(f'Cannot convert value "{value}" to type "System.Guid". Error: "{problem}"')
    return str(uuid.UUID(text.strip("(){}")))


def _guid_of_table(value: dict[str, Any]) -> str:
    """A table sets the properties of a new object; a GUID has none that could be set."""
    if not value:
        return str(uuid.UUID(int=0))
    raise _NotThis(
        f"Cannot create object of type \"System.Guid\". The property '{next(iter(value))}' was not "
        "found for the 'System.Guid' object. There is no settable property available."
    )


def _table(value: Any) -> dict[str, Any] | None:
    if value is None or isinstance(value, dict):
        return value
    if isinstance(value, bool):
        raise _NotThis(
            f'Cannot convert value "{value}" to type "System.Collections.Hashtable". Error: '
            "\"Invalid cast from 'System.Boolean' to 'System.Collections.Hashtable'.\""
        )
    own = _type_name(value)
    shown = own if isinstance(value, list) else value
    raise _NotThis(
        f'Cannot convert the "{shown}" value of type "{own}" to type '
        '"System.Collections.Hashtable".'
    )


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "string": _text,
    "string[]": _texts,
    "int": _whole("int"),
    "long": _whole("long"),
    "bool": _truth,
    "guid": _guid,
    "hashtable": _table,
}


# ---- validations
def _checked(row: Declared, value: Any) -> Any:
    for validation in row.validations:
        problem = _VALIDATIONS[validation.name](value, *validation.arguments)
        if problem:
            raise CmdletError(
                f"Cannot validate argument on parameter '{row.name}'. {problem}",
                "InvalidData",
                "ParameterArgumentValidationError",
            )
    return value


def _not_null_or_empty(value: Any) -> str:
    if value is None or value == "":
        return (
            "The argument is null or empty. Provide an argument that is not null or empty, and "
            "then try the command again."
        )
    if isinstance(value, list) and not all([value, *value]):
        return (
            "The argument is null, empty, or an element of the argument collection contains a null "
            "value. Supply a collection that does not contain any null values and then try the "
            "command again."
        )
    return ""


def _not_null(value: Any) -> str:
    if value is not None:
        return ""
    return (
        "The argument is null. Provide a valid value for the argument, and then try running the "
        "command again."
    )


def _in_set(value: str, *words: str) -> str:
    if value.casefold() in [word.casefold() for word in words]:
        return ""
    return (
        f'The argument "{value}" does not belong to the set "{",".join(words)}" specified by the '
        "ValidateSet attribute. Supply an argument that is in the set and then try the command "
        "again."
    )


def _in_range(value: int, least: str, most: str) -> str:
    if value < int(least):
        return (
            f"The {value} argument is less than the minimum allowed range of {least}. Supply an "
            f"argument that is greater than or equal to {least} and then try the command again."
        )
    if value > int(most):
        return (
            f"The {value} argument is greater than the maximum allowed range of {most}. Supply an "
            f"argument that is less than or equal to {most} and then try the command again."
        )
    return ""


def _of_pattern(value: str, pattern: str) -> str:
    if re.search(pattern, value, re.IGNORECASE):
        return ""
    return (
        f'The argument "{value}" does not match the "{pattern}" pattern. Supply an argument that '
        f'matches "{pattern}" and try the command again.'
    )


def _of_length(value: str, least: str, most: str) -> str:
    length = len(value.encode("utf-16-le")) // 2
    if length < int(least):
        return (
            f"The character length ({length}) of the argument is too short. Specify an argument "
            f'with a length that is greater than or equal to "{least}", and then try the command '
            "again."
        )
    if length > int(most):
        return (
            f"The character length of the {length} argument is too long. Shorten the character "
            f'length of the argument so it is fewer than or equal to "{most}" characters, and then '
            "try the command again."
        )
    return ""


_VALIDATIONS: dict[str, Callable[..., str]] = {
    "ValidateNotNullOrEmpty": _not_null_or_empty,
    "ValidateNotNull": _not_null,
    "ValidateSet": _in_set,
    "ValidateRange": _in_range,
    "ValidatePattern": _of_pattern,
    "ValidateLength": _of_length,
}

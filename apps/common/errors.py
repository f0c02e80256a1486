"""What a service says when it doesn't do what it was asked. Every error is a problem with a
slug.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field: `field` is its name in the request, `code` a stable word."""

    field: str
    code: str
    message: str


class PortalError(Exception):
    """A request that can't be met. `detail` is for people; extra keywords go into the document."""

    slug = "invalid"
    status = 400

    def __init__(
        self, detail: str, *, hint: str = "", errors: Sequence[FieldError] = (), **extra: Any
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.errors = tuple(errors)
        self.extra = extra


class Unauthenticated(PortalError):
    slug, status = "unauthenticated", 401


class Forbidden(PortalError):
    slug, status = "forbidden", 403


class NotFound(PortalError):
    slug, status = "not-found", 404


class Invalid(PortalError):
    slug, status = "invalid", 400

    @classmethod
    def field(cls, name: str, message: str, code: str = "invalid", hint: str = "") -> Invalid:
        """One field is wrong, and here is why."""
        return cls(f"{name}: {message}", hint=hint, errors=[FieldError(name, code, message)])


class Conflict(PortalError):
    slug, status = "conflict", 409


class OperationActive(PortalError):
    """Another operation works on the same target; extra `operation` = {"id", "url"}."""

    slug, status = "operation-active", 409


class StateForbids(PortalError):
    slug, status = "state-forbids", 409


class ProtectionForbids(PortalError):
    slug, status = "protection-forbids", 409


class PlacementRefused(PortalError):
    """No host may take it; extra `reasons` = [{"code", "message", "fix"}]."""

    slug, status = "placement-refused", 409


class ConsoleBlocked(PortalError):
    slug, status = "console-blocked-by-shielding", 403


class QuotaExceeded(PortalError):
    slug, status = "quota-exceeded", 413


class TooLarge(PortalError):
    slug, status = "too-large", 413


class NoSpace(PortalError):
    slug, status = "no-space", 507


class InUse(PortalError):
    """Something still needs it; extra `used_by` lists what."""

    slug, status = "in-use", 409


class UploadOffset(PortalError):
    slug, status = "upload-offset", 409


class UploadChecksum(PortalError):
    slug, status = "upload-checksum", 460


class UploadExpired(PortalError):
    slug, status = "upload-expired", 410


class Precondition(PortalError):
    slug, status = "precondition", 412


class RateLimited(PortalError):
    """Too many requests; extra `retry_after` in seconds becomes the Retry-After header."""

    slug, status = "rate-limited", 429


class HostUnreachable(PortalError):
    slug, status = "host-unreachable", 502


class Unavailable(PortalError):
    """Something that the portal itself stands on doesn’t answer; it comes back by itself."""

    slug, status = "unavailable", 503


class MethodNotAllowed(PortalError):
    slug, status = "method-not-allowed", 405


class UnsupportedMediaType(PortalError):
    slug, status = "unsupported-media-type", 415


class NotAcceptable(PortalError):
    slug, status = "not-acceptable", 406

"""Problem documents (RFC 9457): the catalogue of their types, and how an error becomes an
answer.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse

from apps.common.errors import PortalError

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Problem:
    """One type of problem: its title, what it means, what to do about it."""

    title: str
    meaning: str
    remedy: str


CATALOGUE: dict[str, Problem] = {
    "unauthenticated": Problem(
        "Sign in first",
        "The request came without a session or a valid API token.",
        "Sign in, or send an Authorization header with a token that is still good.",
    ),
    "forbidden": Problem(
        "Not allowed",
        "You may see this, but your role doesn't include what you asked for.",
        "Ask somebody whose role includes it, or an HCI admin to change your role.",
    ),
    "not-found": Problem(
        "Not found",
        "There is nothing at this address, or nothing that you may see.",
        "Check the address and the id. Rows of other tenants look like rows that don’t exist.",
    ),
    "invalid": Problem(
        "The request isn't right",
        "Something in the body or in the query can't be used; the errors name the fields.",
        "Correct the named fields and send the request again.",
    ),
    "conflict": Problem(
        "It contradicts what is there",
        "The request doesn't fit what the portal holds now.",
        "Read the current state and decide again.",
    ),
    "operation-active": Problem(
        "An operation is already under way",
        "Only one operation at a time works on a target, and one is queued or running.",
        "Follow the operation that the answer links to, or cancel it, then try again.",
    ),
    "state-forbids": Problem(
        "Its state doesn't allow this",
        "The target isn't in a state in which this can be done.",
        "Bring it into the right state first.",
    ),
    "protection-forbids": Problem(
        "Its protection doesn't allow this",
        "The virtual machine's shielding policy rules this out, for administrators too.",
        "The capabilities of the virtual machine say what to do instead.",
    ),
    "placement-refused": Problem(
        "No host may take it",
        "Every host, or the one that was chosen, was ruled out; the reasons say why.",
        "Mend one of the reasons, or choose another host.",
    ),
    "console-blocked-by-shielding": Problem(
        "The console is blocked by shielding",
        "A shielded virtual machine has no console, so that who runs the host can't look inside.",
        "Use Remote Desktop or SSH from inside the tenant's network.",
    ),
    "quota-exceeded": Problem(
        "Over the tenant's quota",
        "This would take the tenant over what it may use.",
        "Delete what isn't needed, or ask an HCI admin for a larger quota.",
    ),
    "too-large": Problem(
        "Too large",
        "The request is larger than what is taken at this address.",
        "Send less at once. Files go through the resumable upload.",
    ),
    "no-space": Problem(
        "No space left",
        "The place where this should be kept has no room for it.",
        "Free some space or choose another place.",
    ),
    "in-use": Problem(
        "Still in use",
        "Something else needs this; the answer lists what.",
        "Remove what uses it first.",
    ),
    "upload-offset": Problem(
        "The upload is elsewhere",
        "The offset that was sent isn't where the upload stands.",
        "Ask for the offset with HEAD and go on from there.",
    ),
    "upload-checksum": Problem(
        "The bytes don't match their checksum",
        "What arrived has another checksum than the one that was sent with it.",
        "Send the same part again.",
    ),
    "upload-expired": Problem(
        "The upload expired",
        "An upload that stands still for too long is removed.",
        "Begin a new upload.",
    ),
    "precondition": Problem(
        "A precondition isn't met",
        "A header that this address needs is missing, or names a version that isn't served.",
        "Send the header that the detail names.",
    ),
    "rate-limited": Problem(
        "Too many requests",
        "There were too many attempts within a short time.",
        "Wait for as long as Retry-After says.",
    ),
    "host-unreachable": Problem(
        "The host can't be reached",
        "The portal could not speak with the host.",
        "Check the name, the port, the certificate and the credential; the preflight says which.",
    ),
    "unavailable": Problem(
        "Not available just now",
        "Something that the portal itself needs doesn't answer.",
        "Try again in a moment; if it stays, ask who runs the portal. /health/ready/ says what.",
    ),
    "method-not-allowed": Problem(
        "The method isn't available here",
        "This address doesn't take this HTTP method.",
        "Use one of those in the Allow header.",
    ),
    "unsupported-media-type": Problem(
        "The media type isn't taken",
        "The body's content type isn't one that this address reads.",
        "Send application/json.",
    ),
    "not-acceptable": Problem(
        "Nothing in that format",
        "None of the formats in the Accept header is served here.",
        "Accept application/json.",
    ),
    "internal": Problem(
        "Something went wrong in the portal",
        "The portal met a fault of its own. It is in the log.",
        "Try again; if it stays, tell who runs the portal.",
    ),
}


def document(error: PortalError, request: HttpRequest | None = None) -> dict[str, Any]:
    """The problem document of an error: type, title, status, detail, and what else it brings."""
    found: dict[str, Any] = {
        "type": f"/problems/{error.slug}/",
        "title": CATALOGUE[error.slug].title,
        "status": error.status,
        "detail": error.detail or CATALOGUE[error.slug].meaning,
    }
    if error.hint:
        found["hint"] = error.hint
    if error.errors:
        found["errors"] = [asdict(one) for one in error.errors]
    return found | {key: value for key, value in error.extra.items() if key not in found}


def headers(error: PortalError) -> dict[str, str]:
    """What the answer carries beside the document."""
    found = {}
    if error.status == 401:
        found["WWW-Authenticate"] = 'Bearer realm="Fabric Portal"'
    if "retry_after" in error.extra:
        found["Retry-After"] = str(error.extra["retry_after"])
    return found


def response(error: PortalError, request: HttpRequest | None = None) -> HttpResponse:
    """The error as an answer outside of the API framework (middleware, handlers, streams)."""
    body = json.dumps(document(error, request), default=str)
    return HttpResponse(body, status=error.status, content_type=MEDIA_TYPE, headers=headers(error))

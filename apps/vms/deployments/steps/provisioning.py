"""Why a provisioning failed, and what mends it.

Windows tells reasons as text for people, in the host's language. Words that it is known to use lead
to a hint of their own; any other text stands for itself, beside all that can be the reason.
"""

import re
from typing import Any

from apps.operations.errors import OperationFailed

LOG = "See the host’s ShieldedVM-ProvisioningService log"
UNKNOWN = (
    f"{LOG}. A template disk that was changed after it was signed, shielding data that doesn’t name"
    " it, a host that isn’t attested or isn’t known to the owner, a value that is missing and a"
    " wrong product key all end so; mend it, then retry."
)
#: In this order, as the first that is found decides: words, and what to do.
_HINTS: tuple[tuple[str, str], ...] = (
    (
        r"qualifier",
        "The shielding data isn’t meant for this disk or this version of it. Choose a pair that"
        " fits, or have the owner make shielding data that names the disk.",
    ),
    (
        r"catalog|was changed after|\bVSC\b|hash(es)? (do|does)( not|n.t) match",
        "The template disk isn’t what was signed. Don’t use it: upload the signed disk again, then"
        " deploy that one; a disk that was changed on purpose has to be signed anew.",
    ),
    (
        r"product key|license key",
        "The product key isn’t one for the disk’s edition of Windows. Deploy it anew with the"
        " right one.",
    ),
    (
        r"not authorized by the owner|guardian .*not authorized",
        "The owner of the shielding data has to name this fabric’s guardian service in it, and"
        " upload it again.",
    ),
    (
        r"unwrap|attest|HostGuardianService|key protector",
        "The host got no keys from the guardian service. Its page says what its attestation lacks;"
        " mend that or choose an attested host, then retry.",
    ),
    (
        r"no value for|missing .*value|substitution",
        "A value that the answer file asks for wasn’t given. Deploy it anew with a value for each.",
    ),
    (
        r"speciali[sz]ation|\bFSK\b|corrupt",
        "The file of values couldn’t be read. Retry: it is written anew. If it stays, see that"
        " nothing else changes files on the volume.",
    ),
    (
        r"shielding data|\bPDK\b",
        "The shielding data file was damaged or changed. Have its owner upload it again.",
    ),
    (
        r"turned off|not running",
        "It was turned off in the middle, by a person or by a restart of the host. Retry: it is"
        " made from a fresh copy of the disk.",
    ),
    (
        r"not ended within|no provisioning job",
        f"{LOG}, and the machine’s console where that is allowed; mend it, then retry.",
    ),
)


def hint_for(words: str) -> str:
    """What to do about a failure that the host put into these words."""
    for pattern, hint in _HINTS:
        if re.search(pattern, words, re.IGNORECASE):
            return hint
    return UNKNOWN


def failed(host: str, words: str, error_code: Any = None) -> OperationFailed:
    """The failure as the operation ends with it; `words` are the host's own."""
    code = f" (error {error_code})" if error_code else ""
    return OperationFailed(
        "provisioning-failed",
        f"{host} couldn’t provision it{code}.",
        hint=hint_for(words),
        host_message=words,
    )

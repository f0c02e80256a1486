"""The words of attestation: Windows' own for verdicts, ours for the rest."""

from django.db.models import TextChoices


class Status(TextChoices):
    """Names of AttestationStatus, as Get-HgsClientConfiguration prints them."""

    PASSED = "Passed", "Passed"
    INSECURE = "InsecureHostConfiguration", "Insecure host configuration"
    UNAUTHORIZED = "UnauthorizedHost", "Unauthorized host"
    TPM_ERROR = "TpmError", "TPM error"
    EXPIRED = "Expired", "Expired"
    TRANSIENT = "TransientError", "Transient error"
    NOT_CONFIGURED = "NotConfigured", "Not configured"
    UNKNOWN = "Unknown", "Unknown"


class SpanKind(TextChoices):
    VERDICT = "verdict", "Verdict"
    GAP = "gap", "Gap in observation"


class Mode(TextChoices):
    TPM = "tpm", "TPM"
    HOST_KEY = "host-key", "Host key"
    ACTIVE_DIRECTORY = "active-directory", "Active Directory"


class CertificateKind(TextChoices):
    SIGNING = "signing", "Signing"
    ENCRYPTION = "encryption", "Encryption"
    OTHER_SIGNING = "other-signing", "Other signing"


#: OperationMode of the attestation service's getinfo ([MS-HGSA]).
MODES_BY_NUMBER = {1: Mode.TPM, 2: Mode.ACTIVE_DIRECTORY, 3: Mode.HOST_KEY}

"""What an upload can meet beside what every request can."""

from apps.common.errors import Conflict


class UploadLocked(Conflict):
    """Somebody else writes to the upload."""

    status = 423


class UploadStalled(Conflict):
    """Nothing came for so long that the connection isn't waited for."""

    status = 408

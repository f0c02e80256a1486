"""What the rooms can't know of each other is tied together here, at the top."""

from apps.common.api import answers


def connect() -> None:
    """An operation that a service gives back is answered 202 with its own row and address."""
    from apps.operations.api.serializers import OperationSerializer
    from apps.operations.models import Operation

    answers.register(Operation, OperationSerializer)

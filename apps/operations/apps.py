from typing import Any

from django.apps import AppConfig

from apps.accounts.signals import access_ended
from apps.common import context, navigation
from apps.common.access import holds


class OperationsConfig(AppConfig):
    name = "apps.operations"
    verbose_name = "Operations"

    def ready(self) -> None:
        navigation.solution(
            "activity",
            "Activity",
            "operations:operation_list",
            icon="activity",
            order=60,
            visible=lambda user: holds(user, "operation", "view"),
        )
        navigation.tool(
            "clusters",
            "Activity",
            "operations:operation_list",
            icon="activity",
            order=50,
            group="Upkeep",
            visible=lambda user: holds(user, "operation", "view"),
        )
        context.register_count("running", _running)
        access_ended.connect(_look_again)


def _look_again(sender: Any, user_id: Any, **_: Any) -> None:
    """Has the streams of a person ask again who listens."""
    from apps.operations import nudges

    nudges.publish("account", user_id)


def _running(user: Any) -> int:
    from apps.operations.selectors import active

    return active(user).count()

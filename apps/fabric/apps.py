from typing import Any

from django.apps import AppConfig

from apps.common import navigation
from apps.common.access import holds


class FabricConfig(AppConfig):
    name = "apps.fabric"
    verbose_name = "Fabric"

    def ready(self) -> None:
        from apps.fabric import runners

        runners.register()
        navigation.solution(
            "clusters", "Clusters", "fabric:overview", icon="cluster", order=10, visible=_sees
        )
        for order, (label, url_name, icon) in enumerate(
            (
                ("Overview", "fabric:overview", "dashboard"),
                ("All clusters", "fabric:clusters", "cluster"),
                ("Hosts", "fabric:hosts", "host"),
                ("Volumes", "fabric:volumes", "volume"),
            )
        ):
            navigation.tool(
                "clusters", label, url_name, icon=icon, order=10 + 10 * order, visible=_sees
            )


def _sees(user: Any) -> bool:
    return holds(user, "cluster", "view")

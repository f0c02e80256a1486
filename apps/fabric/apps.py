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
        for label, url_name, icon, group, order in (
            ("Overview", "fabric:overview", "dashboard", "", 10),
            ("Hosts", "fabric:hosts", "host", "Compute", 21),
            ("All clusters", "fabric:clusters", "cluster", "Compute", 22),
            ("Volumes", "fabric:volumes", "volume", "Storage", 30),
        ):
            navigation.tool(
                "clusters", label, url_name, icon=icon, order=order, group=group, visible=_sees
            )


def _sees(user: Any) -> bool:
    return holds(user, "cluster", "view")

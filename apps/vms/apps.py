from typing import Any

from django.apps import AppConfig

from apps.common import navigation
from apps.common.access import holds


class VMsConfig(AppConfig):
    name = "apps.vms"
    verbose_name = "Virtual machines"

    def ready(self) -> None:
        from apps.fabric import credentials, extensions, observers
        from apps.vms import deployments, runners, selectors, tenants
        from apps.vms.readings import VMObserver

        observers.register(VMObserver())
        extensions.register_cluster_extra("virtual_machines", selectors.counts_by_cluster)
        extensions.register_host_extra("virtual_machines", selectors.counts_by_host)
        extensions.register_host_extra("running_guarded", selectors.running_guarded)
        runners.register()
        deployments.connect()
        tenants.register()
        credentials.register_keeper(_reseal_values)
        _navigate()


def _reseal_values() -> tuple[int, int]:
    from apps.vms.deployments.models import Deployment

    kept = Deployment.objects.exclude(sealed_values="").select_for_update(no_key=True)
    done = [deployment.reseal() for deployment in kept]
    return done.count(True), done.count(False)


def _navigate() -> None:
    navigation.home("tenant", "vms:home")
    navigation.solution("vms", "Virtual machines", "vms:list", icon="vm", order=20, visible=_sees)
    navigation.tool(
        "clusters", "Virtual machines", "vms:list", icon="vm", order=20, group="Compute",
        visible=_sees,
    )  # fmt: skip
    for order, (label, query, icon) in enumerate(
        (
            ("All", "", "vm"),
            ("Needs attention", "?attention=true", "fault"),
            ("Shielded", "?protection=shielded", "shield-shielded"),
            ("Running", "?state=running", "play"),
        )
    ):
        navigation.tool(
            "vms", label, "vms:list", icon=icon, order=order, query=query, visible=_sees
        )
    navigation.tool(
        "vms", "Deploy", "deployments:new", icon="deploy", order=10, group="Make",
        visible=lambda user: holds(user, "deployment", "deploy"),
    )  # fmt: skip
    navigation.tool(
        "vms", "Deploy many", "deployments:batch-new", icon="vms", order=10, group="Make",
        visible=lambda user: holds(user, "deployment", "deploy"),
    )  # fmt: skip
    navigation.tool(
        "vms", "Deployments", "deployments:list", icon="history", order=11, group="Make",
        visible=lambda user: holds(user, "deployment", "view"),
    )  # fmt: skip


def _sees(user: Any) -> bool:
    return holds(user, "vm", "view")

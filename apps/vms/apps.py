from django.apps import AppConfig


class VMsConfig(AppConfig):
    name = "apps.vms"
    verbose_name = "Virtual machines"

    def ready(self) -> None:
        from apps.fabric import extensions, observers
        from apps.vms import deployments, runners, selectors
        from apps.vms.readings import VMObserver

        observers.register(VMObserver())
        extensions.register_cluster_extra("virtual_machines", selectors.counts_by_cluster)
        extensions.register_host_extra("virtual_machines", selectors.counts_by_host)
        extensions.register_host_extra("running_guarded", selectors.running_guarded)
        runners.register()
        deployments.connect()

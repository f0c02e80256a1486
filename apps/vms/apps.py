from django.apps import AppConfig


class VMsConfig(AppConfig):
    name = "apps.vms"
    verbose_name = "Virtual machines"

    def ready(self) -> None:
        from apps.fabric import observers
        from apps.vms import runners
        from apps.vms.readings import VMObserver

        observers.register(VMObserver())
        runners.register()

from django.apps import AppConfig


class FabricPortalConfig(AppConfig):
    name = "fabric_portal"
    verbose_name = "Fabric Portal"

    def ready(self) -> None:
        from fabric_portal import checks, wiring

        checks.register()
        wiring.connect()

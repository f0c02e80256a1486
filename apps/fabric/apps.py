from django.apps import AppConfig


class FabricConfig(AppConfig):
    name = "apps.fabric"
    verbose_name = "Fabric"

    def ready(self) -> None:
        from apps.fabric.runners import register

        register()

from django.apps import AppConfig


class FabricConfig(AppConfig):
    name = "apps.fabric"
    verbose_name = "Fabric"

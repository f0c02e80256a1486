from django.apps import AppConfig


class VMsConfig(AppConfig):
    name = "apps.vms"
    verbose_name = "Virtual machines"

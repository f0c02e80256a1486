from django.apps import AppConfig


class RemotingConfig(AppConfig):
    name = "apps.remoting"
    verbose_name = "Remoting"

from django.apps import AppConfig


class LibraryConfig(AppConfig):
    name = "apps.library"
    verbose_name = "Library"

    def ready(self) -> None:
        from apps.library import runners, schema

        runners.register()
        schema.describe()

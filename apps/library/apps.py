from django.apps import AppConfig

from apps.common import navigation
from apps.common.access import holds


class LibraryConfig(AppConfig):
    name = "apps.library"
    verbose_name = "Library"

    def ready(self) -> None:
        from apps.library import runners, schema

        runners.register()
        schema.describe()
        navigation.solution(
            "library", "Library", "library:list", icon="library", order=30,
            visible=lambda user: holds(user, "template-disk", "view"),
        )  # fmt: skip
        navigation.tool(
            "library", "Pairs and files", "library:list", icon="library", order=10,
            visible=lambda user: holds(user, "template-disk", "view"),
        )  # fmt: skip

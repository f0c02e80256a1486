"""manage.py rotate_credential_keys: seals stored credentials anew with the newest key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.fabric import services
from apps.fabric.credentials import EnvelopeError


class Command(BaseCommand):
    help = (
        "Seals every stored credential with the first key of FABRIC_CREDENTIAL_KEYS. "
        "Put the new key first, run this, then take the old key out."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            resealed, current = services.rotate_credential_keys()
        except EnvelopeError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{resealed} sealed anew, {current} had the newest key already.")

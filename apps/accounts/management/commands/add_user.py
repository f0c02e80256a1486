"""Adds a person, on the server."""

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts import services
from apps.accounts.choices import Role
from apps.accounts.models import Tenant
from apps.common.errors import PortalError


class Command(BaseCommand):
    help = "Adds a person. The password is asked for, or read from standard input."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", required=True)
        parser.add_argument("--role", required=True, choices=[str(role) for role in Role])
        parser.add_argument("--tenant", help="name of the tenant; made where there is none yet")

    def handle(self, *args: Any, **options: Any) -> None:
        asked = sys.stdin.isatty()
        password = getpass.getpass() if asked else sys.stdin.readline().rstrip("\n")
        try:
            tenant = self._tenant(options["tenant"])
            services.create_user(
                actor=None,
                username=options["username"],
                password=password,
                role=Role(options["role"]),
                tenant=tenant,
            )
        except PortalError as error:
            raise CommandError(error.detail) from None
        self.stdout.write(f"Added {options['username']}.")

    def _tenant(self, name: str | None) -> Tenant | None:
        if not name:
            return None
        found = Tenant.objects.filter(name=name).first()
        return found or services.create_tenant(actor=None, name=name)

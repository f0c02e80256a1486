"""Fills the demo, writes demo.json last, and says how to sign in."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import User
from fabric_portal.demo import document, people


class Command(BaseCommand):
    help = "Fills the running demo with people, the lab's clusters and sample files."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.FABRIC_DEMO:
            raise CommandError("This is for the demo (FABRIC_DEMO=1).")
        try:
            self._seed()
        except TimeoutError as error:
            raise CommandError(str(error)) from None

    def _seed(self) -> None:
        from fabric_portal.demo import seed

        path = settings.FABRIC_DATA_DIR / "demo.json"
        before = document.read(path)
        users = people.ensure(before.get("users") or [], os.environ.get("DEMO_PASSWORD", ""))
        by_name = {user.username: user for user in User.objects.all()}
        lab = seed.lab_document(settings.FABRIC_DATA_DIR)
        seed.wait_for(
            lambda: seed.answers(settings.FABRIC_PUBLIC_URL + "/health/ready/"), "the portal"
        )
        seed.clusters(by_name["admin"], lab)
        seed.guardian_services(by_name["guardian"], lab)
        seed.owners(by_name["admin"])
        told = {
            "url": settings.FABRIC_PUBLIC_URL,
            "users": users,
            "lab": {"control_url": lab["control_url"]},
            "samples": seed.samples(settings.FABRIC_DATA_DIR),
        }
        document.write(path, told)
        self.stdout.write(_welcome(told))
        self.stdout.flush()


def _welcome(told: dict[str, Any]) -> str:
    lines = [f"\nFabric Portal: {told['url']}", "Sign in as one of these:"]
    lines += [
        f"  {user['username']:<10} {user['password']:<20} {user['role']}" for user in told["users"]
    ]
    return "\n".join([*lines, f"All of it is in {settings.FABRIC_DATA_DIR / 'demo.json'}\n"])

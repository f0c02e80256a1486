"""Roles, looks, and how tokens are."""

from django.db import models


class Role(models.TextChoices):
    """What somebody is here. One role a person; the table of what each may do is in permissions."""

    HCI_ADMIN = "hci-admin", "HCI admin"
    HGS_ADMIN = "hgs-admin", "HGS admin"
    TENANT = "tenant", "Tenant"
    AUDITOR = "auditor", "Auditor"


class Theme(models.TextChoices):
    LIGHT = "light", "Light"
    DARK = "dark", "Dark"


class TokenState(models.TextChoices):
    """Whether an API token still opens anything, and why not."""

    GOOD = "good", "Good"
    EXPIRED = "expired", "Expired"
    REVOKED = "revoked", "Revoked"

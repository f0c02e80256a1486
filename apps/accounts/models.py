"""People, the tenants that they belong to, and the tokens that their programs use."""

from typing import ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apps.accounts.choices import Role, Theme, TokenState
from apps.accounts.permissions import GRANTS, Grant, RestrictedQuerySet
from apps.common.models import UUIDModel

GIB = 1 << 30


class Tenant(UUIDModel):
    """Somebody whose virtual machines run here, and what all of it together may use."""

    noun = "tenant"
    tenant_path = "pk"

    name = models.CharField(
        max_length=63,
        unique=True,
        validators=[
            RegexValidator(r"^[a-z0-9]+(-[a-z0-9]+)*\Z", "Small letters, digits, hyphens.")
        ],
    )
    quota_bytes = models.BigIntegerField("library quota in bytes", default=200 * GIB)
    quota_vms = models.PositiveIntegerField("most virtual machines", default=100)
    created_at = models.DateTimeField(default=timezone.now)

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class RestrictedUserManager(UserManager.from_queryset(RestrictedQuerySet)):  # type: ignore[misc]
    pass


class User(UUIDModel, AbstractUser):
    """A person with one role; a tenant's people belong to it, nobody else has a tenant.

    `session_epoch` is how often all of the person's sessions were ended at once, `preferences` how
    the person wants pages to be, by `room.what`. `vouched_at` is when somebody else last said who
    this is: made the account, gave it a role or a tenant, or a way to a password.
    """

    noun = "user"
    tenant_path = "tenant"
    owner_path = "pk"

    role = models.CharField(max_length=16, choices=Role)
    tenant = models.ForeignKey(Tenant, models.PROTECT, null=True, blank=True, related_name="users")
    theme = models.CharField(max_length=8, choices=Theme, blank=True)
    session_epoch = models.PositiveIntegerField(default=0)
    preferences = models.JSONField(default=dict, blank=True)
    vouched_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[RestrictedUserManager] = RestrictedUserManager()
    REQUIRED_FIELDS = ["role"]

    class Meta:
        ordering = ["username"]
        constraints = [
            models.CheckConstraint(
                condition=Q(role=Role.TENANT, tenant__isnull=False)
                | (~Q(role=Role.TENANT) & Q(tenant__isnull=True)),
                name="tenants_people_have_a_tenant",
            )
        ]

    def __str__(self) -> str:
        return self.username

    def grant(self, noun: str) -> Grant | None:
        """What this person's role may do with rows of the noun."""
        return GRANTS[Role(self.role)].get(noun) if self.role in GRANTS else None

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session is good for: Django binds it to the password, this to the epoch, too."""
        return salted_hmac(
            "apps.accounts.models.User.session", f"{self.session_epoch}:{self.password}",
            secret=secret, algorithm="sha256",
        ).hexdigest()  # fmt: skip


class PasswordLink(models.Model):
    """A link by which somebody sets the own password, once. Only its key's digest is kept."""

    user = models.OneToOneField(User, models.CASCADE, related_name="password_link")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"for {self.user}"

    @property
    def is_good(self) -> bool:
        return self.expires_at > timezone.now()


class ApiToken(UUIDModel):
    """A key for programs. Only its digest is kept; the prefix is what lists show of it."""

    noun = "token"
    owner_path = "user"
    tenant_path = "user__tenant"

    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def state(self) -> TokenState:
        if self.revoked_at is not None:
            return TokenState.REVOKED
        expired = self.expires_at is not None and self.expires_at <= timezone.now()
        return TokenState.EXPIRED if expired else TokenState.GOOD

    @property
    def is_good(self) -> bool:
        """Whether it still opens anything."""
        return self.state == TokenState.GOOD

"""The people of the tests: one of each role, and a second tenant."""

from apps.accounts.choices import Role
from apps.accounts.models import Tenant, User

PASSWORD = "a long pass phrase for tests"


def make_user(username: str, role: Role, tenant: Tenant | None = None) -> User:
    return User.objects.create_user(username=username, password=PASSWORD, role=role, tenant=tenant)


class People:
    """Makes the five and their tenants in the test's database."""

    def __init__(self) -> None:
        self.contoso_tenant = Tenant.objects.create(name="contoso")
        self.fabrikam_tenant = Tenant.objects.create(name="fabrikam")
        self.admin = make_user("admin", Role.HCI_ADMIN)
        self.guardian = make_user("guardian", Role.HGS_ADMIN)
        self.contoso = make_user("contoso", Role.TENANT, self.contoso_tenant)
        self.fabrikam = make_user("fabrikam", Role.TENANT, self.fabrikam_tenant)
        self.auditor = make_user("auditor", Role.AUDITOR)

    def all(self) -> dict[str, User]:
        names = ("admin", "guardian", "contoso", "fabrikam", "auditor")
        return {name: getattr(self, name) for name in names}

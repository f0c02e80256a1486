"""Forms of the pages of accounts and settings."""

import re
from decimal import Decimal
from typing import Any

from django import forms

from apps.accounts.choices import Role, Theme
from apps.accounts.models import GIB, Tenant
from apps.common.errors import PortalError

UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": GIB, "TiB": 1 << 40, "PiB": 1 << 50}
SIZES = {name.lower(): size for name, size in UNITS.items()}
SIZE = re.compile(r"(?P<number>[0-9]+(?:[.,][0-9]+)?)\s*(?P<unit>[a-zA-Z]+)")
MOST_BYTES, MOST_VMS = 2**60, 100_000
NEW = "new-password"


class RefusableForm(forms.Form):
    """A form that shows why a service didn't take it."""

    def refuse(self, error: PortalError) -> None:
        """Puts a service's refusal beside the fields that it names."""
        for one in error.errors:
            self.add_error(one.field if one.field in self.fields else None, one.message)
        if not error.errors:
            self.add_error(None, f"{error.detail} {error.hint}".strip())


class SizeField(forms.CharField):
    """A size with its unit, “200 GiB”; the value is bytes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=40, **options)

    def prepare_value(self, value: Any) -> Any:
        """Bytes in the largest unit that tells them exactly."""
        if not isinstance(value, int):
            return value
        for unit, size in reversed(UNITS.items()):
            number = Decimal(value) / size
            if number >= 1 and number == round(number, 3):
                return f"{number.normalize():f} {unit}"
        return f"{value} B"

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        if not text:
            return None
        told = SIZE.fullmatch(text.strip())
        size = SIZES.get(told["unit"].lower()) if told else None
        if told is None or size is None:
            raise forms.ValidationError("A number and its unit, for example 200 GiB or 1.5 TiB.")
        found = int(Decimal(told["number"].replace(",", ".")) * size)
        if found > MOST_BYTES:
            raise forms.ValidationError("At most 1024 PiB.")
        return found


def _password(label: str, autocomplete: str, **options: Any) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=1024, strip=False,
        widget=forms.PasswordInput(attrs={"class": "input", "autocomplete": autocomplete}),
        **options,
    )  # fmt: skip


class SignInForm(forms.Form):
    """User and password. Who it is is decided by the service."""

    username = forms.CharField(
        label="User",
        max_length=150,
        widget=forms.TextInput(
            attrs={"class": "input", "autocomplete": "username", "autofocus": True}
        ),
    )
    password = _password("Password", "current-password")


class TwiceForm(RefusableForm):
    """A new password, typed twice, as nobody sees what is typed."""

    password = _password("New password", NEW, help_text="Eight characters or more")
    again = _password("The same again", NEW)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("password") and given.get("again") not in (None, given["password"]):
            self.add_error("again", "It isn’t the same as above.")
        return given


class PasswordForm(TwiceForm):
    """An admin sets somebody’s password."""


class OwnPasswordForm(TwiceForm):
    before = _password("Password now", "current-password")
    field_order = ("before", "password", "again")


class PasswordLinkForm(TwiceForm):
    """What a password link opens; a script takes the code from the link."""

    code = forms.CharField(
        label="Code", max_length=200, help_text="What stands behind # in the link",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    field_order = ("code", "password", "again")


class TokenForm(forms.Form):
    name = forms.CharField(
        label="Name", max_length=100, widget=forms.TextInput(attrs={"class": "input"})
    )
    days = forms.IntegerField(
        label="Valid for days",
        min_value=1,
        max_value=3650,
        required=False,
        help_text="Left empty, it doesn't expire.",
        widget=forms.NumberInput(attrs={"class": "input"}),
    )


class ThemeForm(forms.Form):
    theme = forms.ChoiceField(choices=[("", "As the system"), *Theme.choices], required=False)


class TenantForm(RefusableForm):
    name = forms.CharField(
        label="Name", max_length=63, help_text="Small letters, digits, hyphens",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    quota_bytes = SizeField(
        label="Library quota", initial=200 * GIB, help_text="For example 200 GiB or 1.5 TiB"
    )
    quota_vms = forms.IntegerField(
        label="Most virtual machines", min_value=0, max_value=MOST_VMS, initial=100
    )

    def __init__(self, *args: Any, tenant: Tenant | None = None, **options: Any) -> None:
        if tenant is not None:
            options["initial"] = {name: getattr(tenant, name) for name in self.base_fields}
        super().__init__(*args, **options)


class RoleForm(RefusableForm):
    role = forms.ChoiceField(label="Role", choices=Role.choices)
    tenant = forms.ModelChoiceField(
        Tenant.objects.all(), label="Tenant", required=False, empty_label="None",
        help_text="For the role Tenant, and for no other",
    )  # fmt: skip

    def given(self) -> dict[str, Any]:
        """What services take."""
        return {**self.cleaned_data, "role": Role(self.cleaned_data["role"])}


class UserForm(RoleForm):
    # Nobody becomes an HCI admin by a list that was left as it was.
    role = forms.ChoiceField(label="Role", choices=[("", "Choose a role"), *Role.choices])
    username = forms.CharField(
        label="User name", max_length=150, help_text="Letters, digits and @ . + - _",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    password = _password(
        "Password", NEW, required=False,
        help_text="Left empty, you get a link by which they choose it themselves",
    )  # fmt: skip
    field_order = ("username", "role", "tenant", "password")

    def given(self) -> dict[str, Any]:
        found = super().given()
        return {**found, "password": found["password"] or None}

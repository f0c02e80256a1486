"""The form by which a cluster is added or its way in is changed."""

from typing import Any

from django import forms

from apps.common.errors import PortalError
from apps.fabric.models import Cluster
from apps.fabric.ways import BY_ID, KINDS

_SHOWN = (
    "address", "name", "port", "username", "ca_certificate", "fingerprint", "client_certificate",
    "keeps_powershell",
)  # fmt: skip


class SecretText(forms.Textarea):
    """Several lines that are never written back into the page."""

    def format_value(self, value: Any) -> None:
        return None


class ClusterForm(forms.Form):
    address = forms.CharField(
        max_length=253, label="Address", help_text="The cluster’s own name, or any of its nodes"
    )
    name = forms.CharField(
        max_length=64, label="Name here", help_text="Shown in lists and in the audit log"
    )
    way = forms.ChoiceField(choices=[(kind.id, kind.label) for kind in KINDS], label="Way in")
    port = forms.IntegerField(
        min_value=1, max_value=65535, initial=5986, label="Port", help_text="5986, or 5985 for HTTP"
    )
    username = forms.CharField(
        max_length=256, required=False, label="User", help_text="For example CONTOSO\\svc"
    )
    password = forms.CharField(
        max_length=1024, strip=False, required=False, widget=forms.PasswordInput, label="Password",
        help_text="Kept encrypted, never shown again",
    )  # fmt: skip
    ca_certificate = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 3}),
        label="Certificate authority", help_text="In PEM, where the hosts’ certificates need one",
    )  # fmt: skip
    fingerprint = forms.CharField(
        max_length=128, required=False, label="Confirmed fingerprint",
        help_text="SHA-256 of the one certificate to accept, where there is no authority",
    )  # fmt: skip
    keeps_powershell = forms.BooleanField(
        required=False, initial=True, label="Keep PowerShell running on the hosts",
        help_text="Calls answer at once. Without it, each call starts PowerShell anew",
    )  # fmt: skip

    client_certificate = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 3}), label="Client certificate",
        help_text="In PEM, for the way in by certificate; it takes no password",
    )  # fmt: skip
    client_key = forms.CharField(
        required=False, widget=SecretText(attrs={"rows": 3}), label="Its private key",
        help_text="In PEM without a passphrase; kept encrypted, never shown again",
    )  # fmt: skip

    def __init__(self, *args: Any, cluster: Cluster | None = None, **options: Any) -> None:
        if cluster is not None:
            options["initial"] = {name: getattr(cluster, name) for name in _SHOWN} | {
                "way": f"http{'s' if cluster.use_tls else ''}-{cluster.transport}"
            }
        super().__init__(*args, **options)
        self.fields["password"].widget.attrs["autocomplete"] = "new-password"
        if cluster is not None:
            for name in ("password", "client_key"):
                self.fields[name].help_text = "Leave it empty to keep the one that is stored"

    def given(self) -> dict[str, Any]:
        """What services take."""
        found = {name: value for name, value in self.cleaned_data.items() if name != "way"}
        kind = BY_ID[self.cleaned_data["way"]]
        return found | {"use_tls": kind.use_tls, "transport": kind.transport.value}

    def refuse(self, error: PortalError) -> None:
        """Puts a service's refusal beside the fields that it names."""
        for one in error.errors:
            self.add_error(one.field if one.field in self.fields else None, one.message)
        if not error.errors:
            self.add_error(None, f"{error.detail} {error.hint}".strip())

"""Forms of the panes of one virtual machine."""

from typing import Any

from django import forms
from django.db.models import QuerySet

from apps.accounts.models import Tenant
from apps.vms.api.serializers import MOST_PROCESSORS

GIBIBYTE = 2**30


class HardwareForm(forms.Form):
    processors = forms.IntegerField(
        label="Virtual processors", min_value=1, max_value=MOST_PROCESSORS
    )
    memory_gib = forms.DecimalField(
        label="Memory in GiB", min_value=0.5, max_value=12 * 1024, decimal_places=1
    )

    @property
    def memory_bytes(self) -> int:
        """Rounded to the 2 MiB that Hyper-V counts in."""
        return round(self.cleaned_data["memory_gib"] * GIBIBYTE / 2**21) * 2**21


class TenantForm(forms.Form):
    tenant = forms.ModelChoiceField(
        label="Tenant", queryset=Tenant.objects.none(), required=False, empty_label="Infrastructure"
    )

    def __init__(self, *args: Any, tenants: QuerySet[Tenant], **options: Any) -> None:
        super().__init__(*args, **options)
        choice: Any = self.fields["tenant"]
        choice.queryset = tenants


class CheckpointForm(forms.Form):
    name = forms.CharField(label="Name", max_length=100, required=False)


class DeleteForm(forms.Form):
    """Typing the name is asked because data is destroyed."""

    name = forms.CharField(label="Its name, to confirm")
    disks = forms.BooleanField(label="Delete its disks too", required=False)

    def __init__(self, *args: Any, vm_name: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.vm_name = vm_name

    def clean_name(self) -> str:
        if self.cleaned_data["name"] != self.vm_name:
            raise forms.ValidationError(f"Type {self.vm_name} exactly as it is written here.")
        return self.cleaned_data["name"]

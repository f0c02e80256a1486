"""Forms of the account's pages."""

from django import forms

from apps.accounts.choices import Theme


class SignInForm(forms.Form):
    """User and password. Who it is is decided by the service."""

    username = forms.CharField(
        label="User",
        max_length=150,
        widget=forms.TextInput(
            attrs={"class": "input", "autocomplete": "username", "autofocus": True}
        ),
    )
    password = forms.CharField(
        label="Password",
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"class": "input", "autocomplete": "current-password"}),
    )


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

"""Forms of the account's pages."""

from django import forms

from apps.accounts.choices import Theme


class SignInForm(forms.Form):
    """User and password. Who it is is decided by the service."""

    username = forms.CharField(
        label="User",
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label="Password",
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class TokenForm(forms.Form):
    name = forms.CharField(label="Name", max_length=100)
    days = forms.IntegerField(label="Valid for days", min_value=1, max_value=3650, required=False)


class ThemeForm(forms.Form):
    theme = forms.ChoiceField(choices=[("", "As the system"), *Theme.choices], required=False)

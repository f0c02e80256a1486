"""One's own account: tokens, password, look."""

import datetime

from django.contrib import auth, messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import services
from apps.accounts.forms import OwnPasswordForm, ThemeForm, TokenForm
from apps.accounts.http import AuthenticatedHttpRequest
from apps.accounts.models import ApiToken
from apps.accounts.permissions import missing, permissions_of
from apps.accounts.views.ways import frame
from apps.common.errors import Invalid, RateLimited
from apps.common.navigation import next_address


@login_required
@require_safe
def account(request: AuthenticatedHttpRequest) -> HttpResponse:
    return _page(request)


def _page(
    request: AuthenticatedHttpRequest,
    form: TokenForm | None = None,
    password_form: OwnPasswordForm | None = None,
    key: str = "",
    status: int = 200,
) -> HttpResponse:
    context = frame(request.user) | {
        "form": form or TokenForm(),
        "password_form": password_form or OwnPasswordForm(),
        "tokens": ApiToken.objects.restrict(request.user).filter(user=request.user),
        "key": key,
        "permissions": permissions_of(request.user.role),
    }
    return render(request, "accounts/account.html", context, status=status)


@login_required
@never_cache
@require_POST
def token_issue(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The key is shown in this answer alone; loading the page again doesn't show it."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    days = form.cleaned_data["days"]
    expires_at = timezone.now() + datetime.timedelta(days=days) if days else None
    _, key = services.issue_token(
        actor=request.user, user=request.user, name=form.cleaned_data["name"], expires_at=expires_at
    )
    return _page(request, key=key)


@login_required
@require_POST
def token_revoke(request: AuthenticatedHttpRequest, pk: str) -> HttpResponse:
    """One's own, or whosever it is for an admin; `next` says which page that was asked on."""
    token = ApiToken.objects.restrict(request.user).select_related("user").filter(pk=pk).first()
    if token is None:
        raise missing("token")
    services.revoke_token(actor=request.user, token=token)
    messages.success(request, f"The token {token.name} opens nothing any more.")
    return redirect(next_address(request) if "next" in request.POST else "accounts:account")


@sensitive_post_parameters("before", "password", "again")
@login_required
@never_cache
@require_POST
def password(request: AuthenticatedHttpRequest) -> HttpResponse:
    form = OwnPasswordForm(request.POST)
    if form.is_valid():
        try:
            services.change_own_password(
                user=request.user, before=form.cleaned_data["before"],
                password=form.cleaned_data["password"],
                address=request.META.get("REMOTE_ADDR", ""),
            )  # fmt: skip
        except (Invalid, RateLimited) as error:
            form.refuse(error)
            return _page(request, password_form=form, status=error.status)
        auth.update_session_auth_hash(request, request.user)
        messages.success(request, "Your password is changed. Other sessions of yours have ended.")
        return redirect("accounts:account")
    return _page(request, password_form=form, status=422)


@login_required
@require_POST
def theme(request: AuthenticatedHttpRequest) -> HttpResponse:
    form = ThemeForm(request.POST)
    if form.is_valid():
        services.set_theme(user=request.user, theme=form.cleaned_data["theme"])
    return redirect(next_address(request))

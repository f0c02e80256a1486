"""Signing in and out, and one's own account."""

import datetime

from django.contrib import auth, messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts import services
from apps.accounts.forms import SignInForm, ThemeForm, TokenForm
from apps.accounts.http import AuthenticatedHttpRequest
from apps.accounts.models import ApiToken
from apps.accounts.permissions import missing, permissions_of
from apps.common.errors import Invalid, RateLimited


def _next(request: HttpRequest) -> str:
    """Where to go after signing in: only inside of the portal."""
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    inside = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if inside else "/"


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect(_next(request))
    form = SignInForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                user = services.sign_in(
                    address=request.META.get("REMOTE_ADDR", ""), **form.cleaned_data
                )
            except RateLimited as error:
                form.add_error(None, error.detail)
                answer = _sign_in_page(request, form, 429)
                answer.headers["Retry-After"] = str(error.extra["retry_after"])
                return answer
            except Invalid as error:
                form.add_error(None, error.detail)
            else:
                auth.login(request, user, backend="django.contrib.auth.backends.ModelBackend")
                return redirect(_next(request))
    return _sign_in_page(request, form, status)


def _sign_in_page(request: HttpRequest, form: SignInForm, status: int) -> HttpResponse:
    context = {"form": form, "next": _next(request)}
    return render(request, "accounts/sign_in.html", context, status=status)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        services.sign_out(actor=request.user)
    auth.logout(request)
    return redirect("accounts:sign_in")


@login_required
@require_safe
def account(request: AuthenticatedHttpRequest) -> HttpResponse:
    return _account_page(request, TokenForm())


def _account_page(
    request: AuthenticatedHttpRequest, form: TokenForm, key: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "section": "account",
        "form": form,
        "tokens": ApiToken.objects.restrict(request.user),
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
        return _account_page(request, form, status=422)
    days = form.cleaned_data["days"]
    expires_at = timezone.now() + datetime.timedelta(days=days) if days else None
    _, key = services.issue_token(
        actor=request.user, user=request.user, name=form.cleaned_data["name"], expires_at=expires_at
    )
    return _account_page(request, TokenForm(), key)


@login_required
@require_POST
def token_revoke(request: AuthenticatedHttpRequest, pk: str) -> HttpResponse:
    token = ApiToken.objects.restrict(request.user).filter(pk=pk).first()
    if token is None:
        raise missing("token")
    services.revoke_token(actor=request.user, token=token)
    messages.success(request, f"The token {token.name} opens nothing any more.")
    return redirect("accounts:account")


@login_required
@require_POST
def theme(request: AuthenticatedHttpRequest) -> HttpResponse:
    form = ThemeForm(request.POST)
    if form.is_valid():
        services.set_theme(user=request.user, theme=form.cleaned_data["theme"])
    return redirect(_next(request))

"""Signing in and out, and choosing a password by a link."""

from django.contrib import auth, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import services
from apps.accounts.forms import PasswordLinkForm, SignInForm
from apps.common.errors import Invalid, RateLimited
from apps.common.navigation import next_address


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect(next_address(request))
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
                return redirect(next_address(request))
    return _sign_in_page(request, form, status)


def _sign_in_page(request: HttpRequest, form: SignInForm, status: int) -> HttpResponse:
    context = {"form": form, "next": next_address(request)}
    return render(request, "accounts/sign_in.html", context, status=status)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        services.sign_out(actor=request.user)
    auth.logout(request)
    return redirect("accounts:sign_in")


@sensitive_post_parameters("code", "password", "again")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def choose_password(request: HttpRequest) -> HttpResponse:
    """What a password link opens. The page is the same for every link: the key comes with the form
    alone.
    """
    form = PasswordLinkForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = services.use_password_link(
                key=form.cleaned_data["code"].strip(), password=form.cleaned_data["password"]
            )
        except Invalid as error:
            form.refuse(error)
        else:
            auth.logout(request)
            messages.success(request, f"The password of {user.username} is set. Sign in with it.")
            return redirect("accounts:sign_in")
    status = 422 if form.is_bound else 200
    return render(request, "accounts/choose_password.html", {"form": form}, status=status)

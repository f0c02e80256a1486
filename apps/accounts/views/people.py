"""Users: who may sign in, as what."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts import links, services
from apps.accounts.api.filters import UserFilters
from apps.accounts.choices import Role
from apps.accounts.forms import PasswordForm, RoleForm, UserForm
from apps.accounts.http import AuthenticatedHttpRequest
from apps.accounts.models import ApiToken, PasswordLink, Tenant, User
from apps.accounts.permissions import holds, missing, permissions_of, require, require_noun
from apps.accounts.views.ways import A_PAGE, filled, frame, go, pane
from apps.common.errors import PortalError
from apps.common.htmx import is_partial

LIST, ONE = "accounts/user_list.html", "accounts/user_detail.html"
LINK = "accounts/_password_link.html"


@login_required
@require_safe
def settings(request: AuthenticatedHttpRequest) -> HttpResponse:
    sees = holds(request.user, "user", "view")
    return redirect("accounts:users" if sees else "accounts:account")


@login_required
@require_safe
def user_list(request: AuthenticatedHttpRequest) -> HttpResponse:
    require_noun(request.user, "user", "view")
    if is_partial(request):
        return render(request, "accounts/_users.html", _rows(request))
    return render(request, LIST, _list(request))


def _list(request: AuthenticatedHttpRequest) -> dict[str, Any]:
    return frame(request.user) | _rows(request) | {
        "roles": Role.choices,
        "states": [("true", "Active"), ("false", "Deactivated")],
        "tenants": [(name, name) for name in Tenant.objects.values_list("name", flat=True)],
        "may_manage": holds(request.user, "user", "manage"),
    }  # fmt: skip


def _rows(request: AuthenticatedHttpRequest) -> dict[str, Any]:
    query = filled(request)
    rows = User.objects.restrict(request.user).select_related("tenant", "password_link")
    filters = UserFilters(query, rows, request=request)
    page = Paginator(filters.rows(), A_PAGE).get_page(request.GET.get("page"))
    return {"page": page, "query": query, "ordering": query.get("ordering", "username")}


def _user(request: AuthenticatedHttpRequest, pk: UUID, action: str = "view") -> User:
    rows = User.objects.restrict(request.user).select_related("tenant", "password_link")
    found = rows.filter(pk=pk).first()
    if found is None:
        raise missing("user")
    require(request.user, action, found)
    return found


@login_required
@require_safe
def user_detail(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    return render(request, ONE, _one(request, _user(request, pk)))


def _one(request: AuthenticatedHttpRequest, user: User) -> dict[str, Any]:
    is_self = user.pk == request.user.pk
    return frame(request.user) | {
        "person": user,
        "is_self": is_self,
        "link": PasswordLink.objects.filter(user=user, expires_at__gt=timezone.now()).first(),
        "tokens": ApiToken.objects.restrict(request.user).filter(user=user),
        "sees_tokens": is_self or _sees_all_tokens(request.user),
        "permissions": permissions_of(user.role),
        "may_manage": holds(request.user, "user", "manage"),
    }


def _sees_all_tokens(user: User) -> bool:
    grant = user.grant("token")
    return grant is not None and grant.scope == "all"


@sensitive_post_parameters("password", "again")
@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def user_add(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Without a password the answer is the link by which the new person chooses one."""
    require_noun(request.user, "user", "manage")
    form = UserForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            added = services.create_user(actor=request.user, **form.given())
        except PortalError as error:
            form.refuse(error)
        else:
            if not added.has_usable_password():
                return _link(request, added)
            return go(request, reverse("accounts:user", args=[added.pk]))
    context = {
        "form": form, "action": reverse("accounts:user_add"), "verb": "Add user",
        "title": "Add a user", "note": "Everything they do stands in the audit log.",
    }  # fmt: skip
    return pane(request, "accounts/_user_form.html", context, lambda: _list(request), LIST)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def user_role(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    user = _user(request, pk, "manage")
    form = RoleForm(request.POST or None, initial={"role": user.role, "tenant": user.tenant_id})
    if request.method == "POST" and form.is_valid():
        try:
            services.change_role(actor=request.user, user=user, **form.given())
            return go(request, reverse("accounts:user", args=[pk]))
        except PortalError as error:
            form.refuse(error)
    context = {
        "form": form, "action": reverse("accounts:user_role", args=[pk]), "verb": "Change role",
        "title": f"Role of {user.username}",
        "note": "Every session, API token and password link of theirs ends at once.",
    }  # fmt: skip
    return _beside(request, pk, context)


@sensitive_post_parameters("password", "again")
@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def user_password(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    user = _user(request, pk, "manage")
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.set_password(
                actor=request.user, user=user, password=form.cleaned_data["password"]
            )
            messages.success(request, f"The password of {user.username} is set.")
            return go(request, reverse("accounts:user", args=[pk]))
        except PortalError as error:
            form.refuse(error)
    context = {
        "form": form, "action": reverse("accounts:user_password", args=[pk]),
        "verb": "Set password", "title": f"Set the password of {user.username}",
        "note": "Every session of theirs ends at once. A link lets them choose one that you don’t "
        "know.",
    }  # fmt: skip
    return _beside(request, pk, context)


def _beside(request: AuthenticatedHttpRequest, pk: UUID, context: dict[str, Any]) -> HttpResponse:
    template = "accounts/_user_form.html"
    return pane(request, template, context, lambda: _one(request, _user(request, pk)), ONE)


@login_required
@never_cache
@require_POST
def user_link(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    """The link is in this answer alone."""
    return _link(request, _user(request, pk, "manage"))


def _link(request: AuthenticatedHttpRequest, user: User) -> HttpResponse:
    link, key = services.issue_password_link(actor=request.user, user=user)
    context = {"person": user, "link": link, "address": links.address_of(key)}
    return pane(request, LINK, context, lambda: _one(request, _user(request, user.pk)), ONE)


@login_required
@require_POST
def user_deactivate(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    user = services.deactivate_user(actor=request.user, user=_user(request, pk, "manage"))
    messages.success(request, f"{user.username} can’t sign in any more.")
    return redirect("accounts:user", pk)


@login_required
@require_POST
def user_reactivate(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    user = services.reactivate_user(actor=request.user, user=_user(request, pk, "manage"))
    messages.success(request, f"{user.username} may sign in again.")
    return redirect("accounts:user", pk)

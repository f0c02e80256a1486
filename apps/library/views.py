"""Pages of the library: fetch restricted, call one service, render."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.http import AuthenticatedHttpRequest
from apps.accounts.permissions import missing, require, require_noun
from apps.common.api.filters import clean_query
from apps.common.htmx import is_partial, toast
from apps.library import disk_pages, pages, scrub, selectors, services, uploads
from apps.library.choices import Kind
from apps.library.models import Pair, ShieldingData, TemplateDisk, Upload

LONGEST = 100


@login_required
@require_safe
def library(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Pairs, template disks, shielding data, and what is on its way."""
    require_noun(request.user, "template-disk", "view")
    user: Any = request.user
    words = clean_query(request.GET).get("q", "").strip()[:LONGEST]
    context = {
        "section": "library",
        "words": words,
        "may": pages.may(user, "template-disk"),
        **pages.overview(user, words),
    }
    if is_partial(request):
        return render(request, "library/_tables.html", context)
    context |= pages.uploads(user) | {"quota": pages.quota(user), "kinds": Kind.choices}
    return render(request, "library/library.html", context)


@login_required
@require_safe
def uploads_part(request: AuthenticatedHttpRequest) -> HttpResponse:
    """What is under way, read again while it moves."""
    require_noun(request.user, "upload", "view")
    user: Any = request.user
    if not is_partial(request):
        return redirect("library:list")
    context = pages.uploads(user) | {"quota": pages.quota(user)}
    return render(request, "library/_uploads.html", context)


@login_required
@require_POST
def stop_upload(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    """Gives an upload up, or takes a disk or an image that is there away."""
    upload = _upload(request, pk)
    uploads.terminate(actor=request.user, upload=upload)
    return _done(request, f"{upload.filename} is gone.")


@login_required
@require_POST
def verify_upload(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    """Has the stored disk or image read again."""
    upload = _upload(request, pk)
    scrub.ask(actor=request.user, subject=upload)
    return _done(request, f"{upload.filename} is read again. Its row then says what was found.")


def _upload(request: AuthenticatedHttpRequest, pk: UUID) -> Upload:
    rows = Upload.objects.restrict(request.user).select_related("file", "tenant")
    upload: Upload | None = rows.filter(pk=pk).first()
    if upload is None:
        raise missing("upload")
    return upload


def _done(request: AuthenticatedHttpRequest, words: str) -> HttpResponse:
    if is_partial(request):
        return toast(HttpResponse(status=204), words, "success")
    return redirect("library:list")


def _item(request: AuthenticatedHttpRequest, model: Any, pk: UUID) -> Any:
    rows = model.objects.restrict(request.user).select_related("tenant", "inspected_by", "file")
    item = rows.filter(pk=pk).first()
    if item is None:
        raise missing(model.noun)
    return item


@login_required
@require_safe
def template_disk(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    """What was found in the file: container, partitions, encryption, signature."""
    item = _item(request, TemplateDisk, pk)
    context = (
        pages.detail(request.user, item)
        | pages.versions_of(request.user, item)
        | {
            **disk_pages.told(item),
            "delete_url": reverse("library:delete_disk", args=[pk]),
            "again_url": reverse("library:inspect_disk", args=[pk]),
            "verify_url": reverse("library:verify_disk", args=[pk]),
            "content_url": f"/api/v1/template-disks/{pk}/content/",
        }
    )
    part = is_partial(request)
    return render(request, f"library/{'_disk' if part else 'template_disk'}.html", context)


@login_required
@require_safe
def shielding_data(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    """What a host read of it: owner, guardians, which templates it trusts, what it asks for."""
    item = _item(request, ShieldingData, pk)
    context = pages.detail(request.user, item) | {
        "qualifiers": pages.qualifiers(item),
        "guardians": selectors.with_services(item.guardians),
        "delete_url": reverse("library:delete_shielding_data", args=[pk]),
        "again_url": reverse("library:inspect_shielding_data", args=[pk]),
        "verify_url": reverse("library:verify_shielding_data", args=[pk]),
        "content_url": f"/api/v1/shielding-data/{pk}/content/",
    }
    part = is_partial(request)
    template = f"library/{'_shielding_data' if part else 'shielding_data'}.html"
    return render(request, template, context)


@login_required
@require_safe
def pair(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    """Whether two files fit, by a host's verdict, and what that comes from."""
    rows = Pair.objects.restrict(request.user)
    found = rows.select_related("template_disk", "shielding_data", "tenant").filter(pk=pk).first()
    if found is None:
        raise missing("pair")
    context = pages.pair_detail(request.user, found)
    part = is_partial(request)
    return render(request, f"library/{'_pair_page' if part else 'pair'}.html", context)


@login_required
@require_POST
def delete_disk(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    return _delete(request, _item(request, TemplateDisk, pk))


@login_required
@require_POST
def delete_shielding_data(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    return _delete(request, _item(request, ShieldingData, pk))


@login_required
@require_POST
def inspect_disk(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    """Has a host look once more."""
    _inspect(request, _item(request, TemplateDisk, pk))
    return redirect("library:disk", pk)


@login_required
@require_POST
def inspect_shielding_data(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    _inspect(request, _item(request, ShieldingData, pk))
    return redirect("library:shielding_data", pk)


@login_required
@require_POST
def verify_disk(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    """Has the stored file read again."""
    scrub.ask(actor=request.user, subject=_item(request, TemplateDisk, pk))
    return redirect("library:disk", pk)


@login_required
@require_POST
def verify_shielding_data(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    scrub.ask(actor=request.user, subject=_item(request, ShieldingData, pk))
    return redirect("library:shielding_data", pk)


def _inspect(request: AuthenticatedHttpRequest, item: Any) -> None:
    """Whoever may delete a file may have it looked at, as at the API."""
    require(request.user, "delete", item)
    services.inspect_again(actor=request.user, item=item)


def _delete(request: AuthenticatedHttpRequest, item: Any) -> HttpResponse:
    """Deletes it, or says in words what still needs it."""
    services.delete(actor=request.user, item=item)
    return _done(request, f"{item.name} was deleted.")

"""The base of every view of the API: restricted rows, permission before the body, one kind of
error.
"""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework import mixins, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from apps.common.access import grant_of, missing, require_noun
from apps.common.api import idempotency
from apps.common.api.answers import answer
from apps.common.errors import UnsupportedMediaType

KEPT_HEADERS = ("Content-Type", "Location")


class _Replay(Exception):
    def __init__(self, answer: idempotency.Answer) -> None:
        self.answer = answer


class PortalMixin(APIView):
    """Replays answers by Idempotency-Key. Every view of the API stands on it."""

    _kept_as: int | None = None
    # False where the answer holds what must not be kept.
    replays = True

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        key = request.headers.get("Idempotency-Key")
        if request.method != "POST" or key is None or not self.replays:
            return
        print_ = idempotency.fingerprint("POST", request.get_full_path(), request.body)
        found = idempotency.begin(user_id=str(request.user.pk), key=key, fingerprint=print_)
        if isinstance(found, idempotency.Answer):
            raise _Replay(found)
        self._kept_as = found

    def check_permissions(self, request: Request) -> None:
        self._require_media_type(request)
        super().check_permissions(request)

    @staticmethod
    def _require_media_type(request: Request) -> None:
        """What kind of body it is stands in the header; so 415 comes before 403, as 406 does."""
        if request.method not in ("POST", "PUT", "PATCH") or not request.content_type:
            return
        negotiator: Any = request.negotiator  # the stubs hold it to be there only sometimes
        if negotiator.select_parser(request, request.parsers) is None:
            raise UnsupportedMediaType(
                f"{request.content_type[:100]} isn’t read here.", hint="Send application/json."
            )

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, _Replay):
            kept = exc.answer
            return HttpResponse(
                kept.body,
                status=kept.status,
                headers={**kept.headers, "Idempotency-Replayed": "true"},
            )
        try:
            return super().handle_exception(exc)
        except Exception:
            if self._kept_as is not None:
                idempotency.forget(self._kept_as)
            raise

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        if self._kept_as is not None:
            if isinstance(response, Response):
                response.add_post_render_callback(self._keep)
            else:
                self._keep(response)
        return response

    def _keep(self, response: Any) -> None:
        if self._kept_as is None:
            return
        sent = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        idempotency.finish(
            self._kept_as, idempotency.Answer(response.status_code, sent, response.content)
        )


class PortalView(PortalMixin):
    """A view of the API that is no list of rows."""


class RestrictedViewSet(
    PortalMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """Lists and rows through restrict(). Give `queryset`, `serializer_class`, `filterset_class`.

    A role without any grant for the noun is refused (403); a row outside of the grant isn't
    there (404).
    """

    lookup_value_regex = "[^/]+"
    # How services call the row: start_vm(actor=…, vm=…). The noun with underscores unless told.
    row_keyword = ""

    @property
    def noun(self) -> str:
        view: Any = self  # the stubs take a class's queryset for a manager
        return str(view.queryset.model.noun)

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        if grant_of(request.user, self.noun) is None:
            require_noun(request.user, self.noun, "view")

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        rows: Any = super().get_queryset()
        return rows.restrict(self.request.user, "view")

    def get_object(self) -> Any:
        return self.row()

    def row(self, action: str | None = None) -> Any:
        """The row of the address, for this action: NotFound unless it may be seen, then
        Forbidden.
        """
        key = self.kwargs[self.lookup_url_kwarg or self.lookup_field]
        try:
            found = self.get_queryset().filter(**{self.lookup_field: key}).first()
        except (ValueError, TypeError, OverflowError, ValidationError):
            found = None  # a key that can't be one names no row
        if found is None:
            raise missing(self.noun)
        if action is not None:
            require_noun(self.request.user, self.noun, action)
        return found

    def read_body(self, serializer: type[BaseSerializer[Any]], **options: Any) -> dict[str, Any]:
        """The validated body; raises with the names of the fields that are wrong."""
        found = serializer(data=self.request.data, context=self.get_serializer_context(), **options)
        found.is_valid(raise_exception=True)
        return found.validated_data

    def act(
        self,
        request: Request,
        action: str,
        service: Callable[..., Any],
        body_serializer: type[BaseSerializer[Any]] | None = None,
        **more: Any,
    ) -> Response:
        """Runs a service on the row of the address: permission first, then the body, then the work.

        The service gets actor, the row under `row_keyword`, the body's fields, and `more`.
        """
        row = self.row(action)
        body = self.read_body(body_serializer) if body_serializer is not None else {}
        keyword = self.row_keyword or self.noun.replace("-", "_")
        return answer(service(actor=request.user, **{keyword: row}, **body, **more), request)

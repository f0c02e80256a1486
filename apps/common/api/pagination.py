"""Lists by limit and offset: 50 rows unless told, at most 1,000."""

from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request

from apps.common.errors import Invalid

FURTHEST = 2**31


class Pagination(LimitOffsetPagination):
    """`limit` above the most is cut to it; what is no whole number is refused, naming the
    parameter.
    """

    default_limit = 50
    max_limit = 1000

    def get_limit(self, request: Request) -> int:
        return min(_number(request, "limit", self.default_limit, least=1), self.max_limit)

    def get_offset(self, request: Request) -> int:
        return min(_number(request, "offset", 0, least=0), FURTHEST)


def _number(request: Request, name: str, default: int, *, least: int) -> int:
    text = request.query_params.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.lstrip("-").isdigit() or len(text) > 30:
        raise Invalid.field(name, "It has to be a whole number.")
    if int(text) < least:
        raise Invalid.field(name, f"It has to be at least {least}.")
    return int(text)

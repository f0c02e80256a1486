"""The list of virtual machines by limit and offset; its end is as near as its beginning."""

from typing import Any

from rest_framework.request import Request

from apps.common.api.pagination import Pagination
from apps.vms.windows import window


class VirtualMachinePagination(Pagination):
    """`count` is exact."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request = request
        self.limit = self.get_limit(request)
        self.offset = self.get_offset(request)
        self.count = self.get_count(queryset)
        return window(queryset, self.offset, self.offset + self.limit, self.count)

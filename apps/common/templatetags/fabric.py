"""How the pages write things: icons, sizes, ages, durations."""

import datetime
import functools
import uuid
from collections.abc import Iterable
from typing import Any

from django import template
from django.core.paginator import Page
from django.forms import BoundField, CheckboxInput, RadioSelect
from django.templatetags.static import static
from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.common import navigation
from apps.common.templatetags import drawing
from apps.common.time import age_words, iso

register = template.Library()
register.tags.update(drawing.register.tags)
register.filters.update(drawing.register.filters)

BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """A symbol, hidden from screen readers: `{% icon "power" %}`, `{% icon "sync" "spin" %}`."""
    return drawing.symbol(name, classes)


@register.simple_tag
def mark(classes: str = "mark") -> SafeString:
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#mark"/></svg>',
        classes,
        static("icons/icons.svg"),
    )


@register.filter(name="bytes")
def bytes_(size: Any) -> str:
    """1536 → “1.5 KiB”; None → “?”."""
    if size is None or size == "":
        return "?"
    number, unit = float(size), 0
    while abs(number) >= 1024 and unit < len(BINARY) - 1:
        number, unit = number / 1024, unit + 1
    digits = 0 if number >= 100 or number == int(number) else 1
    return f"{number:,.{digits}f} {BINARY[unit]}"


@register.filter
def duration(seconds: Any) -> str:
    """Seconds as the two largest units: “8 d 17 h”; None → “–”."""
    if seconds is None:
        return "–"
    rest, words = int(seconds), list[str]()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        if rest >= size or (unit == "s" and not words):
            words.append(f"{rest // size} {unit}")
            rest %= size
    return " ".join(words[:2])


@register.filter
def percent_of(part: Any, whole: Any) -> int:
    """A whole percentage from 0 to 100; 0 where the whole isn't known."""
    if not part or not whole:
        return 0
    return max(0, min(100, round(100 * part / whole)))


@register.simple_tag
def when(moment: datetime.datetime | None, words: str = "") -> SafeString:
    """A time in relative words with the exact one on hover and for machines."""
    if moment is None:
        return format_html("<span>{}</span>", words or "never")
    return _time(moment, words or age_words(moment))


@functools.lru_cache(maxsize=1024)
def _time(moment: datetime.datetime, words: str) -> SafeString:
    """Kept, as all rows of one reading have the same time."""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        iso(moment), timezone.localtime(moment).strftime("%-d %b %Y, %H:%M:%S"), words,
    )  # fmt: skip


@register.simple_tag
def day(moment: datetime.datetime | None) -> SafeString:
    """A time as day and clock, for what is past and stays so."""
    if moment is None:
        return format_html("<span>{}</span>", "–")
    return when(moment, timezone.localtime(moment).strftime("%-d %b %Y, %H:%M"))


@register.simple_tag
def age(row: Any, prefix: str = "") -> SafeString:
    """How old a row's figures are: anything with observed_at, freshness and failing_since."""
    freshness, problem = row.freshness, getattr(row, "problem", "")
    if freshness == "live":
        return format_html(
            '<span class="age age--live"><span class="vh">Live, </span>{}</span>',
            when(row.observed_at, prefix),
        )
    title = format_html(' title="{}"', problem) if problem else ""
    if freshness == "stale":
        return format_html(
            '<span class="age age--stale"{}>{}<span class="vh">Stale, </span>{}</span>',
            title, drawing.symbol("clock"), when(row.observed_at, prefix),
        )  # fmt: skip
    words: Any = "Never read"
    if row.observed_at:
        words = format_html("Not read since {}", day(row.observed_at))
    return format_html(
        '<span class="age age--unknown"{}>{}{}</span>', title, drawing.symbol("unknown"), words
    )


@register.simple_tag
def at(name: str, pk: Any) -> str:
    """The address of a row by its id, as `url` gives it, for rows of long tables."""
    before, after = _around(name, get_script_prefix())
    return f"{before}{pk}{after}"


@functools.lru_cache(maxsize=256)
def _around(name: str, prefix: str) -> tuple[str, str]:
    nobody = uuid.UUID(int=0)
    before, _, after = reverse(name, args=[nobody]).partition(str(nobody))
    return before, after


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], **changes: Any) -> str:
    """The page's query with some parameters changed, for links that filter, sort and page."""
    parameters = context["request"].GET.copy()
    for name, value in changes.items():
        parameters.pop(name, None)
        if value not in (None, ""):
            parameters[name] = value
    if "page" not in changes:
        parameters.pop("page", None)
    return f"?{parameters.urlencode()}"


@register.simple_tag(takes_context=True)
def here_of(context: dict[str, Any], section: str) -> navigation.Here:
    """Where this page stands in the product; `section` may be empty."""
    request = context["request"]
    return navigation.here(
        request.user, section or "", request.path, request.META.get("QUERY_STRING", "")
    )


@register.simple_tag(takes_context=True)
def tools_of(context: dict[str, Any], section: str) -> list[navigation.Link]:
    """The tools beside the pages of a section; where a page is in none, the solutions lead on."""
    user = context["request"].user
    return navigation.tools(user, section) or navigation.solutions(user)


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """A value of a mapping by a key that is a variable."""
    return mapping.get(key) if mapping else None


@register.filter(name="input")
def input_(field: BoundField) -> SafeString:
    """A form field's control in the look of the portal, tied to its hint and its error."""
    attributes: dict[str, Any] = {}
    if not isinstance(field.field.widget, CheckboxInput | RadioSelect):
        attributes["class"] = "input"
    told = []
    if field.errors:
        attributes["aria-invalid"] = "true"
        told.append(f"{field.auto_id}_error")
    if field.help_text:
        told.append(f"{field.auto_id}_hint")
    if told:
        attributes["aria-describedby"] = " ".join(told)
    return field.as_widget(attrs=attributes)


@register.filter
def is_choice(field: BoundField) -> bool:
    """Whether it is a single box, which stands before its label."""
    return isinstance(field.field.widget, CheckboxInput)


@register.filter
def suffixed(text: Any, end: Any) -> str:
    """Both as one text, for ids: `{{ "row-"|suffixed:pk }}`; `add` makes numbers of numbers."""
    return f"{text}{end}"


@register.filter
def page_numbers(page: Page[Any]) -> Iterable[Any]:
    """The numbers that a pager shows, with an ellipsis where some are left out."""
    return page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1)


@register.filter
def clock(moment: datetime.datetime | None) -> str:
    """“09:42”; with the day where it isn't today."""
    if moment is None:
        return "–"
    local = timezone.localtime(moment)
    same = local.date() == timezone.localdate()
    return local.strftime("%H:%M" if same else "%-d %b, %H:%M")


@register.filter
def took(row: Any) -> str:
    """How long something with started_at and ended_at has run, or ran."""
    if row.started_at is None:
        return "–"
    seconds = ((row.ended_at or timezone.now()) - row.started_at).total_seconds()
    return duration(seconds) if seconds >= 1 else "under 1 s"


@register.filter
def lasted(step: Any) -> str:
    """How long a step of an operation has run, or ran: “0.4 s”, “5 min 20 s”; empty before it."""
    began, ended = step.get("started_at"), step.get("ended_at")
    if not began:
        return ""
    until = datetime.datetime.fromisoformat(ended) if ended else timezone.now()
    return time_of((until - datetime.datetime.fromisoformat(began)).total_seconds())


@register.filter
def time_of(seconds: Any) -> str:
    """How long work took: tenths of a second below ten, then as `duration`; None → “–”."""
    if seconds is None or seconds >= 10:
        return duration(seconds)
    return f"{max(0.1, seconds):.1f} s"

"""Marks and drawings: protection, verdicts, tones, bars, strips of time, disks in parts, curves.

Everything is SVG with sizes as attributes, because the content security policy takes no style.
Part of the library `fabric`; not loaded by itself.
"""

import datetime
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

# Windows' words for a verdict → the seal's class.
SEALS = {
    "Passed": "passed",
    "InsecureHostConfiguration": "insecure",
    "UnauthorizedHost": "unauthorized",
    "TpmError": "tpm",
    "Expired": "expired",
    "TransientError": "transient",
    "NotConfigured": "not-configured",
}
SEAL_WORDS = {
    "passed": "Passed",
    "insecure": "Insecure host configuration",
    "unauthorized": "Unauthorized host",
    "tpm": "TPM error",
    "expired": "Expired",
    "transient": "Transient error",
    "not-configured": "Not configured",
    "unknown": "Unknown",
}
# The seal's class → how the strip is filled; the pattern says it without colour.
FILLS = {
    "passed": "v-passed",
    "insecure": "p-insecure",
    "unauthorized": "p-insecure",
    "tpm": "p-insecure",
    "expired": "p-expired",
    "transient": "p-expired",
}
TONES = {"success": "ok", "danger": "bad", "warning": "warn", "neutral": "idle", "error": "bad"}
TONE_ICONS = {"ok": "ok", "bad": "bad", "warn": "warn", "idle": "info"}
OPERATION_ICONS = {
    "queued": "clock",
    "running": "sync",
    "succeeded": "ok",
    "failed": "bad",
    "errored": "off-line",
    "cancelled": "block",
    "pending": "circle",
    "skipped": "subtract",
}


@functools.lru_cache(maxsize=512)
def symbol(name: str, classes: str = "") -> SafeString:
    """A symbol of static/icons/icons.svg, hidden from screen readers: the word stands beside it.

    Kept, as a table writes the same few hundreds of times.
    """
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        f"icon {classes}".strip(),
        static("icons/icons.svg"),
        name,
    )


@register.simple_tag(name="status")
def status_(tone: str, name: str, words: object) -> SafeString:
    """What components/status.html writes, for long tables: `{% status "ok" "ok" "Good" %}`."""
    return format_html(
        '<span class="status{}">{}<span>{}</span></span>',
        f" status--{tone}" if tone else "",
        symbol(name),
        words,
    )


@register.filter
def tone(word: str) -> str:
    """success, danger, warning, neutral, info → the ending of status-- and banner--."""
    return TONES.get(word, word)


@register.filter
def banner_tone(level: str) -> str:
    """The level of one of Django's messages → the ending of banner--."""
    return TONES.get(level, "info")


@register.filter
def banner_icon(level: str) -> str:
    return TONE_ICONS.get(banner_tone(level), "info")


@register.filter
def operation_icon(status: str) -> str:
    """The symbol of an operation's or a step's status."""
    return OPERATION_ICONS.get(status, "info")


@register.filter
def seal_class(status: str) -> str:
    """Windows' word for a verdict, in any spelling → the seal's class."""
    plain = str(status or "").replace("-", "").replace("_", "").replace(" ", "").lower()
    return next((slug for word, slug in SEALS.items() if word.lower() == plain), "unknown")


@register.simple_tag
def seal(status: str, words: str = "") -> SafeString:
    """The verdict on a host: `{% seal host.attestation.status %}`."""
    slug = seal_class(status)
    return format_html(
        '<span class="seal seal--{}">{}<span>{}</span></span>',
        slug,
        symbol(f"seal-{slug}"),
        words or SEAL_WORDS[slug],
    )


@register.simple_tag
def shield(protection: str, words: str = "") -> SafeString:
    """A virtual machine’s protection: `{% shield vm.protection vm.get_protection_display %}`."""
    return format_html(
        '<span class="shield shield--{}">{}{}</span>',
        protection,
        symbol(f"shield-{protection}"),
        words or str(protection).replace("-", " ").capitalize().replace("Vtpm", "vTPM"),
    )


@register.simple_tag
def bar(percent: Any, warn_from: float = 90) -> SafeString:
    """A share beside its number: `42 % {% bar 42 %}`; orange from `warn_from` percent on."""
    if percent is None:
        return SafeString("")
    width = max(0.0, min(100.0, float(percent)))
    return format_html(
        '<svg class="bar" aria-hidden="true"><rect{} width="{}%" height="100%"/></svg>',
        SafeString(' class="is-warn"') if width >= warn_from else "",
        _number(width),
    )


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


@register.simple_tag
def strip_patterns() -> SafeString:
    """The patterns that strips and partbars are filled with; once in each page that draws one."""
    return SafeString(
        '<svg width="0" height="0" aria-hidden="true" focusable="false" class="vh"><defs>'
        '<pattern id="p-insecure" width="6" height="6" patternUnits="userSpaceOnUse"'
        ' patternTransform="rotate(45)"><rect class="v-insecure" width="6" height="6"/>'
        '<path class="v-lines" d="M1 0v6"/></pattern>'
        '<pattern id="p-expired" width="6" height="6" patternUnits="userSpaceOnUse">'
        '<rect class="v-expired" width="6" height="6"/>'
        '<circle class="v-dots" cx="3" cy="3" r="1.3"/></pattern>'
        '<pattern id="p-idle" width="5" height="5" patternUnits="userSpaceOnUse">'
        '<rect class="v-idle" width="5" height="5"/><path class="v-lines" d="M0 1h5"/></pattern>'
        '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse"'
        ' patternTransform="rotate(45)"><path class="v-hatch" d="M1 0v6"/></pattern>'
        "</defs></svg>"
    )


@register.simple_tag
def strip(
    spans: Iterable[Mapping[str, Any]],
    start: datetime.datetime,
    end: datetime.datetime,
    label: str,
) -> SafeString:
    """A host's verdicts over time, left to right. A span is {status, start, end, title}; status ""
    or None is a gap. What no span covers is drawn as a gap too: never as healthy.
    """
    whole = max(1.0, (end - start).total_seconds())
    pieces = list(_pieces(spans, start, end))
    drawn = format_html_join(
        "",
        '<rect class="{}" x="{}%" width="{}%" {}><title>{}</title></rect>',
        (
            (
                _fill(status),
                _number(100 * (begin - start).total_seconds() / whole),
                _number(max(0.15, 100 * (finish - begin).total_seconds() / whole)),
                SafeString('height="100%"' if status else 'y="1" height="18"'),
                title,
            )
            for status, begin, finish, title in pieces
        ),
    )
    return format_html('<svg class="strip" role="img" aria-label="{}">{}</svg>', label, drawn)


def _fill(status: str | None) -> str:
    return FILLS.get(seal_class(status), "p-idle") if status else "v-gap"


def _pieces(
    spans: Iterable[Mapping[str, Any]], start: datetime.datetime, end: datetime.datetime
) -> Iterable[tuple[str, datetime.datetime, datetime.datetime, str]]:
    """The spans cut to the period, in order, with the holes between them."""
    reached = start
    for span in sorted(spans, key=lambda one: one["start"]):
        begin, finish = max(span["start"], reached), min(span["end"], end)
        if finish <= begin:
            continue
        if begin > reached:
            yield "", reached, begin, "Not observed"
        yield span.get("status") or "", begin, finish, str(span.get("title") or "")
        reached = finish
    if end > reached:
        yield "", reached, end, "Not observed"


@register.simple_tag
def strip_axis(start: datetime.datetime, end: datetime.datetime, marks: int = 6) -> SafeString:
    """The time below strips: ticks with day or clock, as many as fit."""
    span = end - start
    form = "%H:%M" if span <= datetime.timedelta(days=2) else "%-d %b"
    at = [start + span * number / marks for number in range(marks)]
    drawn = format_html_join(
        "",
        '<rect x="{0}%" width="1" height="8"/><text x="{0}%" y="24">{1}</text>',
        (
            (_number(100 * number / marks), timezone.localtime(moment).strftime(form))
            for number, moment in enumerate(at)
        ),
    )
    return format_html('<svg aria-hidden="true">{}</svg>', drawn)


@register.simple_tag
def partbar(parts: Sequence[Mapping[str, Any]], label: str, classes: str = "") -> SafeString:
    """Parts of one whole: each {size, kind, text}; kind is sys, main, hatch, free, lost or
    nothing. A hatched part is a main one that is encrypted.
    """
    whole = sum(float(part["size"]) for part in parts) or 1.0
    drawn, at = [], 0.0
    for part in parts:
        width = 100 * float(part["size"]) / whole
        drawn.append(_part(part, at, width))
        at += width
    return format_html(
        '<svg class="{}" role="img" aria-label="{}">{}</svg>',
        f"partbar {classes}".strip(),
        label,
        format_html_join("", "{}", ((part,) for part in drawn)),
    )


def _part(part: Mapping[str, Any], at: float, width: float) -> SafeString:
    kind = str(part.get("kind") or "")
    fill = "main" if kind == "hatch" else kind
    place = format_html('x="{}%" width="{}%" height="100%"', _number(at), _number(width))
    rect = format_html("<rect{} {}/>", format_html(' class="is-{}"', fill) if fill else "", place)
    hatch = format_html('<rect class="is-hatch" {}/>', place) if kind == "hatch" else ""
    text = ""
    if part.get("text") and width > 2:
        text = format_html(
            '<text{} x="{}%" y="24">{}</text>',
            SafeString(' class="on-fill"') if fill else "",
            _number(at + width / 2),
            part["text"],
        )
    return format_html("{}{}{}", rect, hatch, text)


@register.simple_tag
def curve(values: Sequence[float | None], label: str, most: float | None = None) -> SafeString:
    """A history as a curve (of a `chart`); None is a hole. `most` is the top of the axis."""
    known = [value for value in values if value is not None]
    top = most or max(known, default=0) or 1
    step = 240 / max(1, len(values) - 1)
    lines: list[list[str]] = [[]]
    for number, value in enumerate(values):
        if value is None:
            lines.append([])
        else:
            lines[-1].append(f"{number * step:.1f},{60 - 60 * min(value, top) / top:.1f}")
    drawn = format_html_join(
        "", '<polyline class="ln" points="{}"/>', ((" ".join(line),) for line in lines if line)
    )
    return format_html(
        '<svg viewBox="0 0 240 60" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path class="gl" d="M0 30h240"/>{}</svg>',
        label,
        drawn,
    )

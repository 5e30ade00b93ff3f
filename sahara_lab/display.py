"""How values look in a notebook: escaped HTML and plain text, as pure functions.

Styles are inline and use JupyterLab's ``--jp-*`` variables with a fallback for each, so one string looks right in
Lab's light and dark themes, in Voila, in an exported page and on a site that knows none of the variables.

Every value is escaped unless it is an :class:`Html`, which only the functions here make.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import zip_longest
from typing import Any, Literal

Accent = Literal["brand", "ok", "warn", "error", "info"]
Align = Literal["left", "right", "center"]

_COLORS: dict[str, str] = {
    "brand": "var(--jp-warn-color1, #d9822b)",
    "ok": "var(--jp-success-color1, #388e3c)",
    "warn": "var(--jp-warn-color1, #d9822b)",
    "error": "var(--jp-error-color1, #d32f2f)",
    "info": "var(--jp-info-color1, #0288d1)",
}
_PALETTE = ("#d9822b", "#2a8c82", "#7a5cc0", "#c2456b", "#4a7fc1", "#8a8f3c")
_LINE = "1px solid var(--jp-border-color2, rgba(128, 128, 128, 0.35))"
_FONT = (
    "font-family:var(--jp-ui-font-family, system-ui, sans-serif);"
    "font-size:var(--jp-ui-font-size1, 13px);line-height:1.5"
)
_TEXT = "color:var(--jp-ui-font-color1, currentColor)"
_MUTED = "color:var(--jp-ui-font-color2, currentColor)"
_NUMBERS = "font-variant-numeric:tabular-nums"


class Html(str):
    """Markup that is safe to insert as it is. Never build one from text that a person typed."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


def text(value: object) -> str:
    """A value as HTML text: escaped, unless it is markup made here. ``None`` is an en dash."""
    if isinstance(value, Html):
        return str(value)
    return "–" if value is None else escape(str(value))


def badge(label: object, accent: Accent | None = None) -> Html:
    """A small pill: a state, a kind, a flavor of license."""
    color = _COLORS.get(accent or "", "var(--jp-ui-font-color2, currentColor)")
    return Html(
        f'<span style="display:inline-block;padding:0 8px;border:1px solid {color};border-radius:999px;color:{color};'
        f'font-size:0.85em;line-height:1.6;white-space:nowrap">{text(label)}</span>'
    )


def mono(value: object) -> Html:
    """An identifier or a command, in the code font."""
    return Html(
        '<code style="font-family:var(--jp-code-font-family, monospace);font-size:0.92em;background:none;'
        f'color:inherit;padding:0;overflow-wrap:anywhere">{text(value)}</code>'
    )


def muted(value: object) -> Html:
    """Secondary text."""
    return Html(f'<span style="{_MUTED}">{text(value)}</span>')


def bar(fraction: float, *, accent: Accent | None = None, color: str | None = None, width: str = "120px") -> Html:
    """A horizontal bar filled to ``fraction`` (0 to 1)."""
    share = min(max(fraction, 0.0), 1.0) * 100
    fill = color if color in _PALETTE else _COLORS.get(accent or "brand", _COLORS["brand"])
    size = "100%" if width == "100%" else "120px"
    return Html(
        f'<span role="img" aria-label="{share:.0f}%" style="display:inline-block;vertical-align:middle;width:{size};'
        'height:8px;border-radius:4px;overflow:hidden;background:var(--jp-layout-color3, rgba(128, 128, 128, 0.25))">'
        f'<span style="display:block;height:100%;width:{share:.2f}%;background:{fill}"></span></span>'
    )


def share_bars(shares: Iterable[tuple[object, object, int]]) -> Html:
    """Who gets what of one sum: ``(label, amount as text, weight)`` for each part, largest part first drawn.

    A stacked bar with a legend below it; weights are integers (wei, votes), so that nothing is lost on the way.
    """
    parts = [(label, amount, max(weight, 0)) for label, amount, weight in shares]
    total = sum(weight for _, _, weight in parts) or 1
    segments, legend = [], []
    for index, (label, amount, weight) in enumerate(parts):
        color = _PALETTE[index % len(_PALETTE)]
        percent = weight * 10_000 // total / 100
        segments.append(f'<span style="width:{percent:.2f}%;background:{color}"></span>')
        legend.append(
            f'<span style="display:contents"><span style="width:10px;height:10px;border-radius:2px;background:{color};'
            f'align-self:center"></span><span>{text(label)}</span>'
            f'<span style="text-align:right;{_NUMBERS}">{text(amount)}</span>'
            f'<span style="text-align:right;{_MUTED};{_NUMBERS}">{percent:.1f}%</span></span>'
        )
    return Html(
        '<span style="display:block;max-width:440px"><span style="display:flex;height:10px;border-radius:5px;'
        'overflow:hidden;background:var(--jp-layout-color3, rgba(128, 128, 128, 0.25));margin:4px 0 6px">'
        f"{''.join(segments)}</span>"
        '<span style="display:grid;grid-template-columns:10px 1fr max-content max-content;gap:2px 10px">'
        f"{''.join(legend)}</span></span>"
    )


def card(
    title: object,
    rows: Mapping[str, object] | Iterable[tuple[object, object]],
    *,
    badge: object | None = None,
    accent: Accent | None = None,
    footer: object | None = None,
) -> str:
    """A value as a card: a title, an optional badge, key and value rows, an optional line below."""
    pairs = rows.items() if isinstance(rows, Mapping) else rows
    body = "".join(
        f'<div style="{_MUTED}">{text(key)}</div><div style="overflow-wrap:anywhere;{_NUMBERS}">{text(value)}</div>'
        for key, value in pairs
    )
    pill = "" if badge is None else (str(badge) if isinstance(badge, Html) else _badge(badge, accent))
    below = (
        ""
        if footer is None
        else f'<div style="margin-top:8px;padding-top:8px;border-top:{_LINE};{_MUTED}">{text(footer)}</div>'
    )
    edge = _COLORS.get(accent or "brand", _COLORS["brand"])
    return Html(
        f'<div class="sahara-card" style="{_FONT};{_TEXT};box-sizing:border-box;max-width:640px;margin:6px 0;'
        f"padding:12px 16px;border:{_LINE};border-left:3px solid {edge};border-radius:6px;"
        'background:var(--jp-layout-color1, transparent)">'
        '<div style="display:flex;flex-wrap:wrap;align-items:center;gap:4px 10px;margin-bottom:6px">'
        f'<strong style="font-size:1.08em;overflow-wrap:anywhere">{text(title)}</strong>{pill}</div>'
        f'<div style="display:grid;grid-template-columns:max-content minmax(0, 1fr);gap:3px 18px">{body}</div>'
        f"{below}</div>"
    )


_badge = badge


def table(
    headers: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    caption: object | None = None,
    align: Sequence[Align] | None = None,
) -> str:
    """Rows as a table. ``align`` has one word per column; text is left-aligned when it is left out."""
    sides = list(align or [])
    sides += ["left"] * (len(headers) - len(sides))
    cell = "padding:4px 14px 4px 0;vertical-align:middle;border:none;max-width:420px;overflow-wrap:anywhere"
    head = "".join(
        f'<th scope="col" style="{cell};text-align:{side};font-weight:600;white-space:nowrap;{_MUTED}">'
        f"{text(name)}</th>"
        for name, side in zip(headers, sides, strict=True)
    )
    lines = []
    for row in rows:
        cells = "".join(
            f'<td style="{cell};text-align:{side};{_NUMBERS}">{text(value)}</td>'
            for value, side in zip(row, sides, strict=False)
        )
        lines.append(f'<tr style="background:none;border-top:{_LINE}">{cells}</tr>')
    if not lines:
        lines.append(
            f'<tr style="background:none;border-top:{_LINE}"><td colspan="{len(headers)}" '
            f'style="{cell};text-align:left;{_MUTED}">nothing here yet</td></tr>'
        )
    title = (
        ""
        if caption is None
        else f'<caption style="caption-side:top;text-align:left;padding:0 0 4px;font-weight:600;{_TEXT}">'
        f"{text(caption)}</caption>"
    )
    return Html(
        f'<table class="sahara-table" style="{_FONT};{_TEXT};border-collapse:collapse;border:none;margin:6px 0;'
        f'table-layout:auto">{title}<thead><tr style="background:none;border:none">{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def stack(*parts: str) -> Html:
    """Several cards or tables below each other."""
    return Html(f"<div>{''.join(text(part) for part in parts)}</div>")


def text_card(title: object, rows: Mapping[str, object] | Iterable[tuple[object, object]]) -> str:
    """The plain-text twin of :func:`card`."""
    pairs = [(str(key), plain(value)) for key, value in (rows.items() if isinstance(rows, Mapping) else rows)]
    width = max((len(key) for key, _ in pairs), default=0)
    return "\n".join([str(title), *(f"  {key:<{width}}  {value}".rstrip() for key, value in pairs)])


def text_table(
    headers: Sequence[object], rows: Iterable[Sequence[object]], *, align: Sequence[Align] | None = None
) -> str:
    """The plain-text twin of :func:`table`: columns two spaces apart, one line under the header."""
    sides = list(align or [])
    body = [[plain(value) for value in row] for row in rows]
    lines = [[str(header) for header in headers], *body]
    widths = [max(map(len, column)) for column in zip_longest(*lines, fillvalue="")]

    def line(values: Sequence[str]) -> str:
        cells = []
        for index, value in enumerate(values):
            right = index < len(sides) and sides[index] == "right"
            cells.append(value.rjust(widths[index]) if right else value.ljust(widths[index]))
        return "  ".join(cells).rstrip()

    if not body:
        return line(lines[0]) + "\nnothing here yet"
    return "\n".join([line(lines[0]), "  ".join("-" * width for width in widths), *map(line, body)])


def plain(value: object) -> str:
    """A value as one line of plain text: no markup, no line breaks, no control characters."""
    if value is None:
        return "–"
    source = str(value)
    if isinstance(value, Html):
        import re
        from html import unescape

        source = unescape(re.sub(r"<[^>]*>", " ", source))
    return " ".join("".join(char if char.isprintable() else " " for char in source).split())


def bundle(text: str, html: str | None = None, **data: Any) -> dict[str, Any]:
    """A MIME bundle for ``_repr_mimebundle_``: plain text, HTML, and ``kind=value`` as vendor JSON for tools."""
    made: dict[str, Any] = {"text/plain": text}
    if html is not None:
        made["text/html"] = str(html)
    for kind, value in data.items():
        made[f"application/vnd.sahara.{kind}+json"] = value
    return made


def format_time(seconds: int) -> str:
    """Seconds since the epoch as a date and time in UTC."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


class Rows(tuple[Any, ...]):
    """A tuple of values that shows as a table: one row a value."""

    headers: tuple[str, ...] = ()
    title: str = ""
    note: str = ""  # what has to be known about all of them, below the rows

    def cells(self, value: Any) -> tuple[object, ...]:
        return (value,)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        body = [self.cells(value) for value in self]
        plainly, drawn = text_table(self.headers, body), table(self.headers, body, caption=self.title or None)
        if not self.note:
            return bundle(plainly, drawn)
        return bundle(f"{plainly}\n{self.note}", stack(drawn, muted(self.note)))

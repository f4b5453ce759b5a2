"""Charts as SVG, drawn on the server: classes for colours, no style, and a table of the figures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import slugify

WIDTH, HEIGHT = 560, 200
LEFT, RIGHT, TOP, BOTTOM = 52, 8, 12, 26
COLOURS = 5
_MOST_LABELS = 8

Values = Sequence[int]


@dataclass(frozen=True)
class Series:
    """One colour of the chart. Values are of the chart's own unit, not below zero."""

    name: str
    values: Values
    colour: int = 1


@dataclass(frozen=True)
class Row:
    """A line of the table of figures."""

    label: str
    values: list[str]


@dataclass(frozen=True)
class Chart:
    """What `desk/parts/chart.html` shows."""

    title: str
    axis: str
    series: Sequence[Series]
    rows: list[Row]
    svg: SafeString


def bars(
    title: str,
    axis: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    text: Callable[[int], str] = str,
    tick: Callable[[int], str] | None = None,
    links: Sequence[str] = (),
    unit: int = 1,
) -> Chart:
    """One bar per label, its series stacked in their order from the bottom.

    `text` writes a value in the table and in tooltips, `tick` on the axis; `links` are the pages
    that the bars open; `unit` is what one step of the axis is a multiple of.
    """
    totals = [sum(values) for values in zip(*(one.values for one in series), strict=True)]
    steps = [step * unit for step in scale(-(-max(totals, default=0) // unit))]
    top, room = steps[-1], (WIDTH - LEFT - RIGHT) / max(len(labels), 1)
    height = HEIGHT - TOP - BOTTOM
    parts = [_grid(steps, tick or text)]
    for index, label in enumerate(labels):
        x, width = LEFT + index * room + room * 0.15, room * 0.7
        parts.append(_bar(index, label, series, text, (x, width), height / top, links))
        if index % max(-(-len(labels) // _MOST_LABELS), 1) == 0:
            parts.append(_label(x + width / 2, label))
    rows = [
        Row(label, [text(one.values[index]) for one in series])
        for index, label in enumerate(labels)
    ]
    role = "group" if links else "img"  # an image's links would be lost to a screen reader
    return Chart(title, axis, series, rows, _svg(title, _sum(axis, totals, text), role, parts))


def scale(most: int) -> list[int]:
    """Round steps from zero to at least `most`: 1, 2 or 5 times a power of ten apart."""
    power = 1
    while True:
        for base in (1, 2, 5):
            step = base * power
            if step * 4 >= most:
                return list(range(0, max(most, 1) + step, step))
        power *= 10


def _bar(
    index: int,
    label: str,
    series: Sequence[Series],
    text: Callable[[int], str],
    place: tuple[float, float],
    unit: float,
    links: Sequence[str],
) -> SafeString:
    (x, width), below, parts = place, float(HEIGHT - BOTTOM), []
    for one in series:
        tall = one.values[index] * unit
        if tall <= 0:
            continue
        below -= tall
        parts.append(
            format_html(
                '<rect class="oh-series-{}" x="{}" y="{}" width="{}" height="{}" rx="1">'
                "<title>{}: {} {}</title></rect>",
                *(one.colour, f"{x:.1f}", f"{below:.1f}", f"{width:.1f}", f"{tall:.1f}"),
                *(label, one.name, text(one.values[index])),
            )
        )
    drawn = format_html_join("", "{}", ((part,) for part in parts))
    if parts and index < len(links):
        return format_html('<a href="{}" aria-label="{}">{}</a>', links[index], label, drawn)
    return drawn


def _grid(steps: Sequence[int], text: Callable[[int], str]) -> SafeString:
    unit = (HEIGHT - TOP - BOTTOM) / steps[-1]
    return format_html_join(
        "",
        '<line class="oh-grid" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<text class="oh-tick" x="{}" y="{}" text-anchor="end">{}</text>',
        (
            (LEFT, WIDTH - RIGHT, f"{y:.1f}", f"{y:.1f}", LEFT - 6, f"{y + 4:.1f}", text(step))
            for step in steps
            for y in (HEIGHT - BOTTOM - step * unit,)
        ),
    )


def _label(x: float, label: str) -> SafeString:
    return format_html(
        '<text class="oh-tick" x="{}" y="{}" text-anchor="middle">{}</text>',
        *(f"{x:.1f}", HEIGHT - 8, label),
    )


def _sum(axis: str, totals: Values, text: Callable[[int], str]) -> str:
    return f"{len(totals)} bars by {axis.lower()}, {text(sum(totals))} in all."


def _svg(title: str, description: str, role: str, parts: Sequence[SafeString]) -> SafeString:
    name = slugify(title)
    return format_html(
        '<svg viewBox="0 0 {} {}" role="{}" aria-labelledby="chart-{}-t chart-{}-d">'
        '<title id="chart-{}-t">{}</title><desc id="chart-{}-d">{}</desc>{}</svg>',
        *(WIDTH, HEIGHT, role, name, name, name, title, name, description),
        format_html_join("", "{}", ((part,) for part in parts)),
    )

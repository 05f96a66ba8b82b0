"""A judgement as a picture: lead times, recall and precision by trigger, the load by week. SVG as text, no I/O.

What the figures mean is quality.py. Nothing is fetched by the picture; it reads in light and in dark.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import escape

from streams.quality import Quality

WIDTH: Final = 860
LEFT, RIGHT = 190, 830
BIN: Final = 15  # days
LINE: Final = 15  # of text
TARGET_LEAD: Final = 45
TARGET_LOAD: Final = 10.0
LONGEST_TITLE: Final = 88  # characters that are not cut off at the right
_STYLE: Final = """
    svg { background: #ffffff; color: #1b2733; font-family: system-ui, sans-serif; font-size: 12px }
    text { fill: currentColor } .quiet { fill: #5b6875 } .head { font-size: 15px; font-weight: 600 }
    .grid { stroke: #d5dce2 } .axis { stroke: #5b6875 } .aim { stroke: #b3261e; stroke-dasharray: 5 4 }
    .aimed { fill: #b3261e } .one { fill: #2f6db3 } .two { fill: #d98a29 } .three { fill: #a9b5c0 }
    .end { text-anchor: end } .line { fill: none; stroke: #2f6db3; stroke-width: 1.6 }
    @media (prefers-color-scheme: dark) {
      svg { background: #12181f; color: #e6ebf0 } .quiet { fill: #9aa7b3 } .grid { stroke: #2b3641 }
      .axis { stroke: #9aa7b3 } .aim { stroke: #f28b82 } .aimed { fill: #f28b82 }
      .one { fill: #6ea8e6 } .line { stroke: #6ea8e6 } .two { fill: #e5a550 } .three { fill: #51606d }
    }"""


def picture(quality: Quality, title: str) -> str:
    """A whole SVG document. A panel that nothing stands behind says so."""
    parts: list[str] = []
    place = 78
    for panel in (_leads, _triggers, _load):
        drawn, height = panel(quality, place)
        parts += drawn
        place += height + 34
    overall = quality.overall
    facts = (
        f"{quality.bad:,} of {quality.accounts:,} accounts turned bad; recall {_percent(overall.recall)} (by chance "
        f"{_percent(overall.recall_by_chance)}), precision {_percent(overall.precision)}, median lead "
        f"{_number(overall.median_lead_days, '.0f')} days, {_number(overall.alerts_per_week_per_500, '.1f')} alerts a "
        "week per 500"
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {place}" width="{WIDTH}" height="{place}" '
            f'role="img" aria-label="{escape(title, {chr(34): "&quot;"})}">',
            f"  <style>{_STYLE}\n  </style>",
            _text(20, 28, _shortened(title), "head"),
            _text(20, 47, facts, "quiet"),
            *parts,
            "</svg>",
            "",
        ]
    )


def _leads(quality: Quality, top: int) -> tuple[list[str], int]:
    """A column for every BIN days of lead, the missed beside them."""
    height, base = 170, top + 170
    parts = [_text(20, top + 4, "How far ahead the bad accounts were caught, in days", "head")]
    if not quality.bad:
        return [*parts, _text(20, top + 28, "no account turned bad", "quiet")], 34
    counts = Counter(min(lead // BIN, 24) for lead in quality.leads.values())
    last = max([*counts, TARGET_LEAD // BIN])  # so that the aim stands in the picture
    step = (RIGHT - LEFT) / (last + 3)
    tallest = max([*counts.values(), len(quality.missed), 1])
    scale = (height - 52) / tallest
    for number in range(last + 1):
        x = LEFT + (number + 2) * step
        parts += _column(x, base, step * 0.8, counts[number] * scale, "one", str(counts[number] or ""))
        if number % 2 == 0:
            parts.append(_text(x, base + 15, f"{number * BIN}{'+' if number == 24 else ''}", "quiet"))
    parts += _column(LEFT, base, step * 0.8, len(quality.missed) * scale, "two", str(len(quality.missed)))
    parts.append(_text(LEFT, base + 15, "missed", "quiet"))
    aim = LEFT + (TARGET_LEAD / BIN + 2) * step
    parts += [
        _line(LEFT, base, RIGHT, base, "axis"),
        _line(aim, top + 16, aim, base, "aim"),
        _text(aim + 5, top + 26, f"{TARGET_LEAD} days: the median's aim", "aimed")
        if aim < RIGHT - 170
        else _text(aim - 5, top + 26, f"{TARGET_LEAD} days: the median's aim", "aimed end"),
        _text(20, base - height / 2, "accounts", "quiet"),
    ]
    return parts, height + 22


def _triggers(quality: Quality, top: int) -> tuple[list[str], int]:
    """Recall, what chance would catch, and precision: three bars a trigger, most recall first."""
    parts = [
        _text(20, top + 4, "By trigger", "head"),
        *_key(LEFT, top + 4, "one", "recall"),
        *_key(LEFT + 90, top + 4, "three", "recall by chance"),
        *_key(LEFT + 240, top + 4, "two", "precision"),
    ]
    rows = [("all", quality.overall)]
    rows += sorted(quality.by_trigger.items(), key=lambda row: (-(row[1].recall or 0.0), row[0]))
    width, first = RIGHT - LEFT - 40, top + 26
    for share in (0, 25, 50, 75, 100):
        x = LEFT + width * share / 100
        parts.append(_line(x, first - 6, x, first + 27 * len(rows), "grid"))
        parts.append(_text(x - 8, first + 27 * len(rows) + 14, f"{share} %", "quiet"))
    for place, (name, scores) in enumerate(rows):
        y = first + 27 * place
        parts.append(_text(20, y + 14, name))
        bars = (("one", scores.recall), ("three", scores.recall_by_chance), ("two", scores.precision))
        for number, (kind, share_of) in enumerate(bars):
            if share_of is not None:
                parts.append(_box(LEFT, y + 7 * number, width * share_of, 6, kind))
        parts.append(_text(RIGHT - 34, y + 14, f"{scores.alerts:,}", "quiet"))
    parts.append(_text(RIGHT - 34, top + 14, "alerts", "quiet"))
    return parts, 27 * len(rows) + 46


def _load(quality: Quality, top: int) -> tuple[list[str], int]:
    """Alerts of each week per 500 accounts of the book."""
    height, base = 150, top + 150
    parts = [_text(20, top + 4, "Alerts a week per 500 accounts", "head")]
    if not quality.weeks or not quality.accounts:
        return [
            *parts,
            _text(20, top + 28, "the truth does not say when accounts were observed", "quiet"),
        ], 34
    loads = [count * 500 / quality.accounts for _, count in quality.weeks]
    most = max([*loads, TARGET_LOAD]) * 1.1
    across, up = (RIGHT - LEFT) / max(len(loads) - 1, 1), (height - 30) / most
    drawn = loads if len(loads) > 1 else loads * 2  # of a single week a level
    if len(loads) == 1:
        across = RIGHT - LEFT
    points = " ".join(f"{LEFT + across * n:.1f},{base - load * up:.1f}" for n, load in enumerate(drawn))
    aim, peak = base - TARGET_LOAD * up, base - max(loads) * up
    if abs(peak - aim) < LINE:
        peak = aim - LINE if peak <= aim else aim + LINE
    parts += [
        f'  <polyline class="line" points="{points}"/>',
        _line(LEFT, base, RIGHT, base, "axis"),
        _line(LEFT, aim, RIGHT, aim, "aim"),
        _text(LEFT - 6, aim + 4, f"aim: {TARGET_LOAD:.0f} at most", "aimed end"),
        _text(LEFT - 6, peak + 4, f"{max(loads):,.1f}", "quiet end"),
    ]
    for week in range(0, len(loads), max(1, -(-len(loads) // 6))):
        parts.append(_text(LEFT + across * week, base + 15, quality.weeks[week][0], "quiet"))
    return parts, height + 22


def _shortened(title: str) -> str:
    return title if len(title) <= LONGEST_TITLE else f"{title[:50]}…{title[-(LONGEST_TITLE - 51) :]}"


def _column(x: float, base: float, width: float, height: float, kind: str, label: str) -> Iterator[str]:
    yield _box(x, base - height, width, height, kind)
    if label:
        yield _text(x, base - height - 4, label)


def _key(x: float, y: float, kind: str, label: str) -> Iterator[str]:
    yield _box(x, y - 9, 10, 10, kind)
    yield _text(x + 15, y, label, "quiet")


def _text(x: float, y: float, words: str, kind: str = "") -> str:
    look = f' class="{kind}"' if kind else ""
    return f'  <text x="{x:.1f}" y="{y:.1f}"{look}>{escape(words)}</text>'


def _box(x: float, y: float, width: float, height: float, kind: str) -> str:
    return f'  <rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" class="{kind}"/>'


def _line(x: float, y: float, to_x: float, to_y: float, kind: str) -> str:
    return f'  <line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" class="{kind}"/>'


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)

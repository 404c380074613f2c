"""The map of the course, drawn from the manifest: ``python -m mlops_school.authoring.course_map``.

The phases of MLOps stand in a loop, as maintenance leads back to data. The capstone, in the
middle, goes through all of them.
"""

import html
import math

from mlops_school.manifest import Lesson, load_manifest
from mlops_school.paths import COURSE

FILE = COURSE / "map.svg"

WIDTH, HEIGHT = 1290, 720
MIDDLE = (786, 372)
RADII = (366, 275)  # of the loop
BOX = 252  # wide
LINE = 23  # between two lines of a box
BEFORE = ("Orientation", "Foundations")  # the phases that lead into the loop
CENTRE = "Capstone"
BLUE, INK, GREY = "#0072B2", "#1a1a1a", "#555555"


def draw() -> str:
    """Return the map as SVG, with the same in words for those who do not see it."""
    phases: dict[str, list[Lesson]] = {}
    for lesson in load_manifest():
        phases.setdefault(lesson.phase, []).append(lesson)
    loop = [name for name in phases if name not in (*BEFORE, CENTRE)]
    elements = [_ring()]
    for place, name in enumerate(loop):
        angle = -math.pi / 2 + 2 * math.pi * place / len(loop)
        x = MIDDLE[0] + RADII[0] * math.cos(angle)
        y = MIDDLE[1] + RADII[1] * math.sin(angle)
        elements.append(_box(name, phases[name], x, y))
    elements.append(_box(CENTRE, phases[CENTRE], *MIDDLE))
    elements += [
        _box(BEFORE[0], phases[BEFORE[0]], 134, 64),
        _box(BEFORE[1], phases[BEFORE[1]], 134, 232),
        _arrow(134, 102, 134, 158),
        _arrow(262, 170, 656, 92),
    ]
    inside = "\n".join(f"  {element}" for element in elements)
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" \
height="{HEIGHT}" role="img" aria-labelledby="title description" font-family="sans-serif">
  <title id="title">The map of the course</title>
  <desc id="description">{html.escape(_in_words(phases, loop))}</desc>
  <defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" \
orient="auto"><path d="M0 0L10 5L0 10z" fill="{BLUE}"/></marker></defs>
  <rect width="{WIDTH}" height="{HEIGHT}" rx="12" fill="white"/>
{inside}
</svg>
"""


def _in_words(phases: dict[str, list[Lesson]], loop: list[str]) -> str:
    """Return what the map shows as sentences."""
    said = [
        f"{name}: {', '.join(f'{lesson.number} {lesson.title}' for lesson in lessons)}, "
        f"{_minutes(lessons)}."
        for name, lessons in phases.items()
    ]
    return f"{' '.join(said)} {loop[-1]} leads back to {loop[0]}."


def _minutes(lessons: list[Lesson]) -> str:
    return f"{sum(lesson.minutes for lesson in lessons)} min"


def _ring() -> str:
    """Return the loop, with a tip that shows its direction between each two phases."""
    (x, y), (a, b) = MIDDLE, RADII
    points = []
    for step in range(29):  # four steps a phase; the tip is on every second
        angle = -math.pi / 2 + 2 * math.pi * step / 28
        points.append(f"{x + a * math.cos(angle):.0f},{y + b * math.sin(angle):.0f}")
    lines = [
        f'<polyline points="{" ".join(points[start : start + 3])}" fill="none" stroke="{BLUE}" '
        f'stroke-width="3" marker-end="url(#tip)"/>'
        for start in range(0, 28, 4)
    ] + [
        f'<polyline points="{" ".join(points[start : start + 3])}" fill="none" stroke="{BLUE}" '
        f'stroke-width="3"/>'
        for start in range(2, 28, 4)
    ]
    return "".join(lines)


def _arrow(x1: int, y1: int, x2: int, y2: int) -> str:
    return (
        f'<path d="M{x1} {y1}L{x2} {y2}" stroke="{BLUE}" stroke-width="3" marker-end="url(#tip)"/>'
    )


def _box(name: str, lessons: list[Lesson], x: float, y: float) -> str:
    """Return a phase with its lessons, around a point."""
    height = 48 + LINE * len(lessons)
    left, top = round(x - BOX / 2), round(y - height / 2)
    lines = [
        f'<rect x="{left}" y="{top}" width="{BOX}" height="{height}" rx="8" fill="#f4f9fc" '
        f'stroke="{BLUE}" stroke-width="2"/>',
        f'<text x="{left + 12}" y="{top + 27}" font-size="19" font-weight="bold" fill="{INK}">'
        f"{html.escape(name)}</text>",
        f'<text x="{left + BOX - 12}" y="{top + 27}" font-size="15" text-anchor="end" '
        f'fill="{GREY}">{_minutes(lessons)}</text>',
    ]
    for row, lesson in enumerate(lessons):
        title = html.escape(f"{lesson.number} {lesson.title}")
        fitted = f' textLength="{BOX - 24}" lengthAdjust="spacingAndGlyphs"' * (len(title) > 29)
        lines.append(
            f'<text x="{left + 12}" y="{top + 53 + LINE * row}" font-size="16" fill="{INK}"'
            f"{fitted}>{title}</text>"
        )
    return "".join(lines)


if __name__ == "__main__":
    FILE.write_text(draw(), encoding="utf-8", newline="\n")

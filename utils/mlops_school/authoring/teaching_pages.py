"""The pages of the teacher's kit, made from its data: ``course/instructor/*.md`` but the README."""

from pathlib import Path

from mlops_school.authoring.teaching import (
    FOLDER,
    WHO,
    Kit,
    Meeting,
    Outline,
    Place,
    Plan,
    Session,
    exercises_of,
    expand,
    load_kit,
    load_outlines,
    places,
    wrong_answer,
)
from mlops_school.manifest import Lesson, load_manifest

MADE = (
    "<!-- Made from {source} by `python -m mlops_school.authoring.teaching_pages`. "
    "Change the source. -->"
)


def pages() -> dict[Path, str]:
    """Return every page that is made, by its path."""
    made = {FOLDER / f"{lesson.id}.md": lesson_page(load_kit(lesson)) for lesson in load_manifest()}
    for name, outline in load_outlines().items():
        made[FOLDER / f"{name}.md"] = outline_page(outline)
    return made


def lesson_page(kit: Kit) -> str:
    """Return the page of one lesson as Markdown."""
    lesson, known = kit.lesson, places(kit.lesson)
    parts = [
        MADE.format(source=f"{lesson.id}.toml"),
        f"# Teaching {lesson.name}",
        f"[The lesson](../../notebooks/{lesson.notebook.name}) takes a learner alone about "
        f"{lesson.minutes} minutes. [How to run a class](README.md) holds for all lessons; this "
        "page says what is special about this one. A number in brackets, such as [3], is the one "
        "that stands at the left of a cell.",
        f"**Nobody leaves without this:** {kit.leave_with}",
        "## Prepare",
        _bullets([_cost(kit, known), *kit.prepare]),
        *(
            part
            for length, plan in kit.plans.items()
            for part in (f"## {length} minutes", _table(plan, known), _omitted(plan, known))
        ),
        "## The mistake to make and repair",
        f"{_where(kit.mistake.cells, known)}: {kit.mistake.why}",
        "## Typical wrong answers",
        _misconceptions(kit),
        "## Questions for the class",
        "\n".join(f"- **{ask}** {expect}" for ask, expect in kit.questions),
        "## When something breaks",
        "\n".join(f"- **{seen}** {do}" for seen, do in kit.troubles),
        "## Plan B",
        f"- **No network.** {kit.without['network']}\n"
        f"- **No projector.** {kit.without['projector']}\n"
        f"- **A broken laptop.** {kit.without['laptop']}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _bullets(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _cost(kit: Kit, known: dict[str, Place]) -> str:
    """Say what the notebook costs."""
    text = (
        f"The whole notebook runs in about {kit.seconds} seconds on two cores and holds at most "
        f"{kit.memory_mb} MB; an old laptop takes three times as long."
    )
    if kit.slow:
        text += f" Start these before you talk: {_where(kit.slow, known)}."
    return text


def _table(plan: Plan, known: dict[str, Place]) -> str:
    """Return the steps of a plan as a table that says when each begins."""
    rows = ["| at | minutes | who | what | where |", "|--:|--:|---|---|---|"]
    at = 0
    for step in plan.steps:
        where = _where(step.cells, known) if step.cells else ""
        rows.append(f"| {_clock(at)} | {step.minutes} | {WHO[step.who]} | {step.what} | {where} |")
        at += step.minutes
    return "\n".join(rows)


def _clock(minutes: int) -> str:
    """Return minutes as a clock shows them: 75 is 1:15."""
    return f"{minutes // 60}:{minutes % 60:02d}"


def _omitted(plan: Plan, known: dict[str, Place]) -> str:
    """Say what a plan leaves out, and why."""
    if not plan.omit:
        return ""
    lines = [f"- {_where(one.cells, known)}: {one.why}" for one in plan.omit]
    return "Left out; run these cells all the same:\n\n" + "\n".join(lines)


def _where(cells: tuple[str, ...], known: dict[str, Place]) -> str:
    """Return the headings of cells in order, each with the numbers of its code cells."""
    numbers: dict[str, list[int]] = {}
    for id_ in expand(cells, known):
        place = known[id_]
        for heading in place.headings:
            numbers.setdefault(heading, [])
        if place.number:
            numbers[place.headings[-1]].append(place.number)
    return "; ".join(f"*{heading}*{_brackets(found)}" for heading, found in numbers.items())


def _brackets(numbers: list[int]) -> str:
    """Return numbers as Jupyter shows them, runs shortened: `` [3] to [5], [7]``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    shown = [f"[{run[0]}]" + (f" to [{run[-1]}]" if run[1:] else "") for run in runs]
    return " " * bool(shown) + ", ".join(shown)


def _misconceptions(kit: Kit) -> str:
    """Return the typical wrong answers by exercise, each with what the teacher says."""
    known = places(kit.lesson)
    blocks = []
    for name in exercises_of(kit.lesson):
        blocks.append(f"{_where((name,), known)}")
        blocks += [
            f"{_code(wrong_answer(one, kit.lesson))}\n\n  The check: “… {one.says} …” {one.reply}"
            for one in kit.misconceptions
            if one.exercise == name
        ]
    return "\n\n".join(blocks)


def _code(code: str) -> str:
    """Return code as an item of a list."""
    lines = "\n".join(f"  {line}".rstrip() for line in code.strip("\n").splitlines())
    return f"- ```python\n{lines}\n  ```"


# ---- outlines


def outline_page(outline: Outline) -> str:
    """Return the page of a whole course as Markdown."""
    lessons = {lesson.id: lesson for lesson in load_manifest()}
    parts = [MADE.format(source="outlines.toml"), f"# {outline.title}", outline.intro]
    for day in outline.meetings:
        parts += [f"## {day.title}", _sessions(outline, day, lessons)]
        if homework := _homework(day, lessons):
            parts.append(homework)
    return "\n\n".join(parts) + "\n"


def _sessions(outline: Outline, day: Meeting, lessons: dict[str, Lesson]) -> str:
    """Return the sessions of a day, with the time of day if it has one."""
    rows = ["| at | minutes | what |", "|--:|--:|---|"]
    at = outline.start
    for session in day.sessions:
        rows.append(f"| {_clock(at)} | {session.minutes} | {_what(session, lessons)} |")
        at += session.minutes
    worked = sum(one.minutes for one in day.sessions if not one.is_break)
    rows.append(f"| {_clock(at)} | | End; {worked} minutes of work |")
    return "\n".join(rows)


def _what(session: Session, lessons: dict[str, Lesson]) -> str:
    if not session.lesson:
        return session.what
    lesson = lessons[session.lesson]
    return f"[{lesson.name}]({lesson.id}.md#{session.minutes}-minutes)"


def _homework(day: Meeting, lessons: dict[str, Lesson]) -> str:
    """Return what is done at home: what the plans of the day leave out, and what is said there."""
    if not day.homework:
        return ""
    lines = []
    for session in day.sessions:
        if session.lesson:
            lesson = lessons[session.lesson]
            known = places(lesson)
            omit = load_kit(lesson).plans[session.minutes].omit
            left = [id_ for one in omit for id_ in expand(one.cells, known)]
            work = [_where((id_,), known) for id_ in left if id_ in exercises_of(lesson)]
            work += ["the quiz"] * ("quiz" in left)
            if work:
                lines.append(f"- {lesson.name}: {'; '.join(work)}.")
    return "At home:\n\n" + "\n".join([*lines, f"- {day.homework}"])


def write() -> None:
    """Write all pages."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write()

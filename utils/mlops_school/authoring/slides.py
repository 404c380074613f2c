"""Slides of the lessons, made by rules from the stored notebooks; reveal.js shows them, offline.

There is no second text that could go stale: a slide shows a heading, a few sentences, a cell's
code, or what it gave, and the speaker's notes hold the whole text. How a notebook is divided:

- ``##`` begins a slide, ``###`` and everything that finds no room a slide below it;
- a text that is too long for its slide is cut: the first sentences of each paragraph stay, and
  those with a term in bold; lists and tables stay whole, if need be on several slides;
- code and what it printed are on one slide if they fit, otherwise the result follows, large;
- the first sentences of the text after a cell stand below its result;
- an exercise shows its question, and the solution is in the notes; each question of the quiz is a
  slide.
"""

import ast
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from nbconvert.exporters import SlidesExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mlops_school import quiz
from mlops_school.authoring.assemble import read_notebook
from mlops_school.authoring.source import GENERATED, HEADER
from mlops_school.authoring.teaching import exercises_of
from mlops_school.environments import Environment
from mlops_school.errors import CourseError
from mlops_school.exercises import Exercise
from mlops_school.manifest import Lesson, load_manifest
from mlops_school.paths import BUILD, ROOT

FOLDER = BUILD / "slides"
REVEAL = Environment(
    title="reveal.js",
    folder=ROOT / ".labs" / "slides",
    npm=("reveal.js@4.6.1",),
    download_mb=3,
    disk_mb=6,
)
WIDTH, HEIGHT = 1280, 720
TEXT_LINES, TEXT_WIDTH = 10, 70  # of one slide, in the size of style.css
SHORT_LINES = 3  # of a text above code, or below a result
CODE_LINES, CODE_WIDTH = 17, 96
BOTH_LINES = (
    20  # of code and output on one slide, in lines of code; below it is room for a sentence
)
TABLE_LINES, PICTURE_LINES = 16, 17.4  # as high as so many lines of code
TEXT_LINE = 1.6  # as high as so many lines of code
THEME = Path(__file__).parent / "slides_theme"


def make(lessons: Sequence[Lesson], folder: Path = FOLDER) -> Path:
    """Write the slides of lessons, with reveal.js beside them, and return the page that lists them.

    Raises
    ------
    CourseError
        If reveal.js cannot be installed, a notebook is missing, or the folder cannot be written to.
    """
    REVEAL.install()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _copy_reveal(folder / "reveal.js")
        for lesson in lessons:
            page = render(lesson)
            (folder / f"{lesson.id}.html").write_text(page, encoding="utf-8", newline="\n")
        index = folder / "index.html"
        index.write_text(_index(folder), encoding="utf-8", newline="\n")
    except OSError as error:
        raise CourseError(f"The slides cannot be written to {folder}: {error.strerror}.") from None
    return index


def render(lesson: Lesson) -> str:
    """Return the slides of a lesson as a page.

    Raises
    ------
    CourseError
        If its notebook is missing or damaged.
    """
    exporter = SlidesExporter(
        raw_template=(THEME / "page.html.j2").read_text(encoding="utf-8"),
        reveal_url_prefix="reveal.js",
        reveal_theme="white",
        reveal_transition="none",
        reveal_number="c/t",
        reveal_width=str(WIDTH),
        reveal_height=str(HEIGHT),
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    resources = {"style": (THEME / "style.css").read_text(encoding="utf-8")}
    page, _ = exporter.from_notebook_node(notebook(lesson), resources)
    return page


def notebook(lesson: Lesson) -> NotebookNode:
    """Return the notebook that holds the slides: its cells say which begins a slide.

    Raises
    ------
    CourseError
        If the lesson's notebook is missing or damaged.
    """
    try:
        stored = read_notebook(lesson.notebook)
    except (FileNotFoundError, ValueError):
        raise CourseError(
            f"There is no sound notebook {lesson.notebook}. `school build {lesson.id}` makes it."
        ) from None
    cells = [cell for slide in slides(stored, lesson) for cell in slide.cells()]
    return new_notebook(cells=cells, metadata={"title": lesson.name})


def _copy_reveal(folder: Path) -> None:
    source = REVEAL.node_modules / "reveal.js"
    shutil.copytree(
        source / "dist", folder / "dist", dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.map")
    )
    shutil.copytree(source / "plugin" / "notes", folder / "plugin" / "notes", dirs_exist_ok=True)
    shutil.copy(source / "LICENSE", folder)


def _index(folder: Path) -> str:
    """Return a page with links to all slides in a folder."""
    links = "\n".join(
        f'<li><a href="{lesson.id}.html">{lesson.name}</a></li>'
        for lesson in load_manifest()
        if (folder / f"{lesson.id}.html").exists()
    )
    return (THEME / "index.html").read_text(encoding="utf-8").replace("LINKS", links)


# ---- slides


@dataclass
class Slide:
    """One slide: its heading, what it shows, and what the speaker has before them."""

    heading: str
    begins_section: bool = False
    parts: list[NotebookNode] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def cells(self) -> list[NotebookNode]:
        """Return the slide as cells of a notebook of slides."""
        kind = "slide" if self.begins_section else "subslide"
        cells = [_cell(f"## {self.heading}", kind)]
        cells += self.parts
        if self.notes:
            cells.append(_cell("\n\n".join(self.notes), "notes"))
        return cells


@dataclass
class Text:
    """A piece of a text cell: what stands below one heading, or before the first."""

    level: int
    heading: str
    body: str


def slides(stored: NotebookNode, lesson: Lesson) -> list[Slide]:
    """Return the slides of a stored notebook."""
    maker = _Maker(lesson)
    for cell in stored.cells:
        if cell.id == HEADER:
            maker.title(cell.source)
        elif cell.id in GENERATED:
            continue  # for the kernel, or for readers of the notebook
        elif cell.cell_type == "markdown":
            maker.text(cell)
        else:
            maker.code(cell)
    maker.flush()
    return maker.made


class _Maker:
    """Takes the cells of a lesson in order, and makes slides of them."""

    def __init__(self, lesson: Lesson) -> None:
        self.made: list[Slide] = []
        self._lesson = lesson
        self._heading = lesson.title
        self._waiting: Text | None = None  # a text whose code comes next
        self._result: Slide | None = None  # the slide of the code just before

    def title(self, source: str) -> None:
        """Make the first slide of the cell that is made from the manifest."""
        first, _, rest = source.partition("\n")
        slide = Slide(first.removeprefix("# "), True)
        blocks = [block for block in _blocks(rest) if not block.startswith("Builds on")]
        slide.parts = [_cell("\n\n".join(blocks))]
        slide.notes = [
            "Keys: → and ← sections, ↓ and ↑ within one, S notes, F full screen, Esc all."
        ]
        self.made.append(slide)

    def text(self, cell: NotebookNode) -> None:
        """Take a text cell: it reads the result before it, or introduces the code after it."""
        for text in split(cell.source):
            if not text.heading and self._result and _reads(cell, text):
                self._read(text.body)
                continue
            self.flush()
            if not text.heading:
                text = Text(3, self._heading, text.body)
            self._waiting = text
        self._result = None

    def _read(self, body: str) -> None:
        """Put its beginning below the result that it reads, and all of it into the notes."""
        if shown := beginning(body):
            self._result.parts.append(_cell(shown))
        self._result.notes.append(body)

    def flush(self) -> None:
        """Make slides of the text that no code follows."""
        text, self._waiting = self._waiting, None
        if text and text.heading != "Check what you know":
            self._text_slides(text)

    def _text_slides(self, text: Text) -> None:
        self._heading = text.heading
        if not text.body:
            return
        for number, shown in enumerate(fitting(_blocks(text.body))):
            slide = Slide(text.heading, text.level == 2 and not number)
            slide.parts = [_cell("\n\n".join(shown))]
            if not number:
                slide.notes = [text.body]
            self.made.append(slide)

    def code(self, cell: NotebookNode) -> None:
        """Take a code cell: a quiz, an exercise, or code with what it gave."""
        self._result = None
        if "quiz" in cell.metadata.get("tags", ()):
            self.flush()
            self._quiz()
        elif exercise := exercises_of(self._lesson).get(cell.id):
            self._exercise(cell, exercise)
        elif cell.outputs or not only_prepares(cell.source):
            self._example(cell)

    def _example(self, cell: NotebookNode) -> None:
        """Make one slide of code and output, or two if they do not fit on one."""
        text, lead = self._waiting, ""
        if text and text.body and (short := _lead(text.body)):
            self._waiting, self._heading, lead = None, text.heading, short
        else:
            self.flush()
        slide = Slide(self._heading, bool(lead) and text.level == 2)
        slide.notes = [text.body] if lead else []
        if lead:
            slide.parts.append(_cell(lead))
        code = new_code_cell(cell.source, metadata=_kind("-"))
        slide.parts.append(code)
        self.made.append(slide)
        outputs = [made for one in cell.outputs for made in _output(one)]
        lines = 1.1 + _lines(cell.source, CODE_WIDTH) + sum(map(_height, outputs))
        if lines + TEXT_LINE * _text_lines(lead) <= BOTH_LINES:
            code.outputs = outputs
        else:
            for shown in _together(outputs):
                slide = Slide(self._heading)
                metadata = _kind("-") | {"transient": {"remove_source": True}}
                slide.parts.append(new_code_cell("", outputs=shown, metadata=metadata))
                self.made.append(slide)
        self._result = slide

    def _exercise(self, cell: NotebookNode, exercise: Exercise) -> None:
        """Make a slide of the question; the answer is for the speaker."""
        text, self._waiting = self._waiting, None
        body = text.body if text else ""
        heading = text.heading if text else self._heading
        pages = list(fitting(_blocks(body), whole=True))
        for number, shown in enumerate(pages):
            slide = Slide(heading, parts=[_cell("\n\n".join(shown))])
            if not number:
                slide.notes = [body, _answers(exercise)]
            self.made.append(slide)
        code = "\n".join(line for line in cell.source.splitlines() if not line.startswith("# q"))
        code = re.sub(r"\n{3,}", "\n\n", code)
        room = sum(_text_lines(block) + 0.5 for block in pages[-1]) if pages else 0
        if TEXT_LINE * room + 1.1 + _lines(code, CODE_WIDTH) > BOTH_LINES + 2:
            self.made.append(Slide(heading))
        self.made[-1].parts.append(new_code_cell(code, metadata=_kind("-")))

    def _quiz(self) -> None:
        """Make a slide of each question, with its answers in the order of the notebook."""
        for number, question in enumerate(quiz.load(self._lesson.id), 1):
            question = quiz.mixed(question)
            several = " More than one answer is right." if question.several else ""
            lines = [f"{question.text}{several}", ""]
            lines += [f"{place}. {one.text}" for place, one in enumerate(question.choices, 1)]
            notes = [
                f"{place}. {'**Right.**' if one.right else 'Wrong.'} {one.why}"
                for place, one in enumerate(question.choices, 1)
            ]
            self.made.append(
                Slide(
                    f"Check what you know: {number}",
                    number == 1,
                    [_cell("\n".join(lines))],
                    ["\n".join(notes)],
                )
            )


def _kind(kind: str) -> dict[str, dict[str, str]]:
    return {"slideshow": {"slide_type": kind}}


def _cell(source: str, kind: str = "-") -> NotebookNode:
    return new_markdown_cell(source, metadata=_kind(kind))


def _answers(exercise: Exercise) -> str:
    """Return what the speaker needs at an exercise: a solution, hints, typical wrong answers."""
    hints = "\n".join(f"- {hint}" for hint in exercise.hints)
    wrong = "\n".join(
        f"- {says}: `{code}`" for code, says in exercise.wrong.items() if "\n" not in code
    )
    parts = [f"One way to do it:\n\n```python\n{exercise.reference()}\n```", f"Hints:\n\n{hints}"]
    return "\n\n".join([*parts, f"Typical wrong answers:\n\n{wrong}"] if wrong else parts)


# ---- text


def split(source: str) -> list[Text]:
    """Divide a text cell at its headings; a heading with nothing below it waits for the next."""
    texts = [Text(0, "", "")]
    for is_heading, lines in _runs(source):
        if is_heading:
            marks, _, heading = lines.partition(" ")
            if (
                texts[-1].heading and not texts[-1].body
            ):  # `##` right above `###`: the section begins
                texts[-1] = Text(texts[-1].level, heading.strip(), "")
            else:
                texts.append(Text(len(marks), heading.strip(), ""))
        else:
            texts[-1].body = lines.strip()
    return [text for text in texts if text.heading or text.body]


def _runs(source: str) -> Iterator[tuple[bool, str]]:
    """Yield headings and what is between them; a `#` in a block of code is no heading."""
    lines: list[str] = []
    fenced = False
    for line in source.splitlines():
        fenced ^= line.startswith("```")
        if not fenced and re.match(r"#{1,6} ", line):
            if any(lines):
                yield False, "\n".join(lines)
            lines = []
            yield True, line
        else:
            lines.append(line)
    if any(lines):
        yield False, "\n".join(lines)


def _reads(cell: NotebookNode, text: Text) -> bool:
    """Tell whether a text without a heading is about the result before it."""
    return cell.id.endswith("-reading") or bool(re.search(r"^#", cell.source, flags=re.MULTILINE))


def _blocks(body: str) -> list[str]:
    """Return the paragraphs, lists, tables and blocks of code of a text."""
    blocks: list[str] = []
    fenced = False
    for part in re.split(r"\n\s*\n", body.strip()):
        if fenced:
            blocks[-1] += f"\n\n{part}"
        elif _is_whole(part):
            blocks.append(part)
        else:  # a list or table may follow its sentence without an empty line
            blocks += re.split(r"\n(?=[-*] |\d+\. |\|)", part, maxsplit=1)
        fenced ^= part.count("```") % 2 == 1
    return blocks


def _is_whole(block: str) -> bool:
    """Tell whether a block is shown whole or not at all: a list, a table, code, a quotation."""
    return bool(re.match(r"(?:[-*] |\d+\. |\||```|>|    )", block))


def sentences(paragraph: str) -> list[str]:
    """Return the sentences of a paragraph."""
    text = " ".join(paragraph.split())
    return re.split(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)\s+(?=[\"“*`(\[A-Z0-9])", text)


def key_sentences(paragraph: str, lines: int = 1) -> str:
    """Return of a paragraph what its slide shows, in the order of the text.

    These are the first sentence and those with a new term; and as many more as fit into `lines`.
    """
    every = sentences(paragraph)
    shown = {number for number, one in enumerate(every) if number == 0 or "**" in one}
    for number in range(len(every)):
        more = shown | {number}
        if _text_lines(" ".join(every[one] for one in sorted(more))) > lines:
            break
        shown = more
    return " ".join(every[number] for number in sorted(shown))


def fitting(blocks: Sequence[str], whole: bool = False) -> Iterator[list[str]]:
    """Yield for each slide the blocks that it shows.

    Parameters
    ----------
    blocks : sequence of str
        The text.
    whole : bool
        Whether the text is a question, which is kept as it is if it fits at all.
    """
    most = TEXT_LINES if whole else TEXT_LINES - 2
    if sum(_text_lines(block) + 0.5 for block in blocks) > most:
        left = most - sum(_text_lines(block) + 0.5 for block in blocks if _is_whole(block))
        share = int(left / (sum(not _is_whole(block) for block in blocks) or 1) - 0.5)
        blocks = [block if _is_whole(block) else key_sentences(block, share) for block in blocks]
    begun = False
    page: list[str] = []
    room = float(TEXT_LINES)
    for part in (part for block in blocks for part in _parts(block)):
        lines = _text_lines(part) + 0.5
        if page and lines > room:
            yield page
            begun, page, room = True, [], float(TEXT_LINES)
        if begun and not _is_whole(part):
            continue  # what is left of the text is for the notes
        page.append(part)
        room -= lines
    if page:
        yield page


def _parts(block: str) -> list[str]:
    """Divide a list or table that is too long for one slide."""
    lines = block.splitlines()
    if _text_lines(block) <= TEXT_LINES or not _is_whole(block) or block.startswith("```"):
        return [block]
    is_table = block.startswith("|")
    head, items = (lines[:2], lines[2:]) if is_table else ([], _items(lines))
    parts: list[list[str]] = [[]]
    for item in items:
        if parts[-1] and _text_lines("\n".join([*head, *parts[-1], item])) > TEXT_LINES:
            parts.append([])
        parts[-1].append(item)
    return ["\n".join([*head, *part]) for part in parts]


def _items(lines: list[str]) -> list[str]:
    """Return the items of a list, each with the lines that continue it."""
    items: list[str] = []
    for line in lines:
        if items and not re.match(r"(?:[-*] |\d+\. )", line):
            items[-1] += f"\n{line}"
        else:
            items.append(line)
    return items


def _text_lines(block: str) -> int:
    """Estimate how many lines a block takes on a slide."""
    if block.startswith("|"):
        rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in block.splitlines()]
        rows = [rows[0], *rows[2:]]
        longest = [max(len(row[at]) for row in rows if at < len(row)) for at in range(len(rows[0]))]
        share = [max(8, TEXT_WIDTH * 1.1 * one / max(1, sum(longest))) for one in longest]
        return sum(
            max(-(-len(cell) // int(one)) for cell, one in zip(row, share, strict=False)) or 1
            for row in rows
        )
    if block.startswith("```"):
        return _lines(block, CODE_WIDTH)
    if _is_whole(block):
        return sum(
            _lines(" ".join(one.split()), TEXT_WIDTH - 4) for one in _items(block.splitlines())
        )
    return _lines(" ".join(block.split()), TEXT_WIDTH)


def _lines(text: str, width: int) -> int:
    """Return how many lines a text takes at a width in characters."""
    return sum(max(1, -(-len(line) // width)) for line in text.splitlines())


def _lead(body: str) -> str:
    """Return a text that is short enough to stand above its code, or nothing."""
    blocks = _blocks(body)
    if any(_is_whole(block) for block in blocks):
        return ""
    for shown in (blocks, [key_sentences(block) for block in blocks]):
        if sum(_text_lines(block) for block in shown) <= SHORT_LINES:
            return "\n\n".join(shown)
    return ""


def beginning(body: str) -> str:
    """Return the first sentences of a text, as many as stand below a result; at least one."""
    shown = ""
    for sentence in (one for block in _blocks(body)[:1] for one in sentences(block)):
        if shown and _text_lines(f"{shown} {sentence}") > SHORT_LINES - 1:
            break
        shown = f"{shown} {sentence}".strip()
    return "" if _is_whole(shown) else shown


# ---- code and what it gave


def only_prepares(source: str) -> bool:
    """Tell whether code does nothing but import and give names to constants: no slide needs it."""

    def prepares(node: ast.stmt) -> bool:
        if isinstance(node, ast.Assign):
            return not any(isinstance(part, ast.Call) for part in ast.walk(node.value))
        return isinstance(node, ast.Import | ast.ImportFrom)

    return all(prepares(node) for node in ast.parse(source).body)


def _output(output: NotebookNode) -> Iterator[NotebookNode]:
    """Yield an output as a slide shows it: no widgets, and not too long."""
    if output.output_type == "stream":
        yield new_output("stream", name="stdout", text=_cut(output.text))
    elif output.output_type == "error":
        text = f"{output.ename}: {output.evalue}".splitlines()[0]
        yield new_output("stream", name="stdout", text=text)
    elif (page := output.data.get("text/html")) is not None:
        for part in _picture_and_table(page):
            yield _display("text/html", _short_table(part))
    elif (text := output.data.get("text/markdown")) is not None:
        yield _display("text/markdown", _short_markdown(text))
    else:
        yield new_output("stream", name="stdout", text=_cut(output.data.get("text/plain", "")))


def _display(kind: str, content: str) -> NotebookNode:
    return new_output("display_data", data={kind: content})


def _cut(text: str) -> str:
    """Return the first lines of a text, and say how many are missing."""
    lines = text.rstrip("\n").splitlines()
    kept, room = [], CODE_LINES - 1
    for line in lines:
        room -= _lines(line, CODE_WIDTH) if line else 1
        if room < 0:
            break
        kept.append(line)
    if missing := len(lines) - len(kept):
        kept.append(f"… {missing} more lines in the notebook")
    return "\n".join(kept)


def _picture_and_table(page: str) -> Iterator[str]:
    """Yield the picture and the table of an output that has both, or else the output."""
    if "<table" not in page or "<img" not in page:
        yield page
        return
    soup = BeautifulSoup(page, "html.parser")
    yield str(soup.find("img"))
    yield from map(str, soup.find_all("table"))


def _short_markdown(text: str) -> str:
    """Return the first blocks of a text, and say that there is more."""
    shown, room = [], BOTH_LINES / TEXT_LINE - 2
    for block in _blocks(text):
        room -= _text_lines(block) + 0.5
        if room < 0 and shown:
            return "\n\n".join([*shown, "… more in the notebook"])
        shown.append(block)
    short = _cut(text)
    return short + "\n```" * (short.count("```") % 2)


def _short_table(page: str) -> str:
    """Return tables with their first rows, and say how many are missing."""
    if "<table" not in page:
        return page
    soup = BeautifulSoup(page, "html.parser")
    for style in soup.find_all("style"):
        style.decompose()
    for table in soup.find_all("table"):
        rows = table.find_all("tr")
        heights = _row_heights(table)
        kept = next(
            (kept for kept in range(len(rows), 1, -1) if sum(heights[:kept]) <= TABLE_LINES), 1
        )
        if kept == len(rows):
            continue
        for row in rows[kept:]:
            row.decompose()
        row, cell = soup.new_tag("tr"), soup.new_tag("td", attrs={"colspan": "100"})
        cell.string = f"… {len(rows) - kept} more rows in the notebook"
        row.append(cell)
        rows[kept - 1].insert_after(row)
    return str(soup)


def _row_heights(table: Tag) -> list[float]:
    """Estimate for each row of a table how many lines of code it is as high as."""
    rows = [
        [cell.get_text(" ") for cell in row.find_all(["th", "td"])] for row in table.find_all("tr")
    ]
    columns = max(len(row) for row in rows)
    rows = [row + [""] * (columns - len(row)) for row in rows]
    widths = [max(3, *(len(row[at]) for row in rows)) for at in range(columns)]
    room = 108 - 2.2 * columns  # characters
    if sum(widths) > room:  # a browser wraps wide columns, and leaves narrow ones alone
        fair = room / columns
        narrow = sum(width for width in widths if width <= fair)
        wide = sum(width for width in widths if width > fair)
        widths = [
            width if width <= fair else max(6, (room - narrow) * width / wide) for width in widths
        ]
    return [
        0.45 + max(-(-len(text) // int(width)) for text, width in zip(row, widths, strict=True))
        or 1.45
        for row in rows
    ]


def _height(output: NotebookNode) -> float:
    """Estimate how many lines of code an output is as high as."""
    if output.output_type == "stream":
        return _lines(output.text, CODE_WIDTH) + 0.8
    if text := output.data.get("text/markdown"):
        return TEXT_LINE * sum(_text_lines(block) + 0.5 for block in _blocks(text))
    page = re.sub(r'src="data:[^"]*"', "", output.data["text/html"])  # long, and no text
    soup = BeautifulSoup(page, "html.parser")
    tables = sum(sum(_row_heights(table)) + 0.5 for table in soup.find_all("table"))
    pictures = PICTURE_LINES * len(soup.find_all("img"))
    for part in soup.find_all(["table", "img"]):
        part.decompose()
    return tables + pictures + TEXT_LINE * _lines(soup.get_text(" ").strip(), TEXT_WIDTH)


def _together(outputs: list[NotebookNode]) -> Iterator[list[NotebookNode]]:
    """Yield outputs that fit on a slide together."""
    shown: list[NotebookNode] = []
    for output in outputs:
        if shown and sum(map(_height, [*shown, output])) > BOTH_LINES:
            yield shown
            shown = []
        shown.append(output)
    if shown:
        yield shown

"""The rules by which a notebook becomes slides."""

from types import SimpleNamespace

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mlops_school.authoring import slides
from mlops_school.authoring.slides import fitting, key_sentences, sentences, split
from mlops_school.errors import CourseError
from mlops_school.manifest import find_lessons

LESSON = find_lessons(["09_building"])[0]


def made(*cells):
    """Return the slides of a notebook with these cells."""
    return slides.slides(new_notebook(cells=list(cells)), LESSON)


def text(source, id_="text"):
    return new_markdown_cell(source, id=id_)


def code(source, *outputs, id_="code", **metadata):
    return new_code_cell(source, id=id_, outputs=list(outputs), metadata=metadata)


def printed(words):
    return new_output("stream", name="stdout", text=words)


def shown(page):
    return new_output("display_data", data={"text/html": page, "text/plain": ""})


def body(slide):
    """Return all that a slide shows, as text."""
    return "\n".join(
        part.source
        + "".join(str(out.get("text", out.get("data", ""))) for out in part.get("outputs", ()))
        for part in slide.parts
    )


# ---- text


def test_a_cell_is_divided_at_its_headings():
    found = split(
        "Read it.\n\n## Part\n### Exercise 1\n\nDo it.\n\n```\n# no heading\n```\n## Next\nMore."
    )
    assert [(one.level, one.heading, one.body) for one in found] == [
        (0, "", "Read it."),
        (2, "Exercise 1", "Do it.\n\n```\n# no heading\n```"),
        (2, "Next", "More."),
    ]


def test_sentences_end_at_points_and_not_within_numbers_or_abbreviations():
    paragraph = 'It costs 0.10 dollars, e.g. In May.\nNobody asked. `q1.hint()` helps! Is it "so"?'
    assert sentences(paragraph) == [
        "It costs 0.10 dollars, e.g. In May.",
        "Nobody asked.",
        "`q1.hint()` helps!",
        'Is it "so"?',
    ]


def test_a_slide_has_the_first_sentence_and_new_terms_and_what_else_fits():
    paragraph = "One. Two. A **term** is three. Four."
    assert key_sentences(paragraph, lines=0) == "One. A **term** is three."
    assert key_sentences(paragraph) == paragraph
    long = "One. " + "Two is long. " * 10 + "A **term**."
    assert key_sentences(long, lines=0) == "One. A **term**."


def test_long_texts_are_cut_and_lists_go_on():
    paragraphs = [f"Paragraph {number}. " + "It goes on and on. " * 20 for number in range(9)]
    items = "\n".join(f"- item {number}" for number in range(14))
    pages = list(fitting([*paragraphs[:2], items, paragraphs[3]]))
    assert pages[0][0].startswith("Paragraph 0.")
    assert all(sum(slides._text_lines(one) for one in page) <= slides.TEXT_LINES for page in pages)
    everything = "\n".join(block for page in pages for block in page)
    assert all(f"- item {number}\n" in f"{everything}\n" for number in range(14))
    assert "Paragraph 3" not in everything  # for the notes
    assert len(list(fitting(paragraphs))) == 1


def test_a_table_goes_on_with_its_head():
    table = "| a | b |\n|---|---|\n" + "\n".join(f"| {n} | {'x' * 60} |" for n in range(30))
    pages = list(fitting([table]))
    assert len(pages) > 2
    assert all(page[0].startswith("| a | b |\n|---|---|\n| ") for page in pages)


def test_a_table_that_follows_its_sentence_stays_whole():
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |"
    assert slides._blocks(f"See:\n{table}\n\n- x\n- y") == ["See:", table, "- x\n- y"]


# ---- slides


def test_headings_begin_slides_and_the_whole_text_is_in_the_notes():
    long = "It matters. " + "Nobody knows how much. " * 60
    (one,) = made(text(f"## Why\n\n{long}"))
    assert (one.heading, one.begins_section) == ("Why", True)
    assert len(body(one)) < len(long)
    assert one.notes == [long.strip()]
    kinds = [cell.metadata.slideshow.slide_type for cell in one.cells()]
    assert kinds == ["slide", "-", "notes"]


def test_code_stands_with_what_it_printed_and_what_is_said_of_it():
    (one,) = made(
        text("## Count\n\nHow many?"),
        code("print(2)", printed("2\n")),
        text("Two. That is few.", "count-reading"),
    )
    assert one.begins_section
    assert "How many?" in body(one)
    assert "print(2)2" in body(one)
    assert "Two. That is few." in body(one)


def test_a_picture_has_a_slide_of_its_own():
    picture = '<img alt="Two bars." src="data:,">'
    _, result = made(text("## Look\n\nThere."), code("draw()\n" * 9, shown(picture)))
    (cell,) = result.parts
    assert cell.metadata.transient.remove_source
    assert cell.outputs[0].data["text/html"] == picture


def test_a_long_table_and_a_long_print_say_what_is_missing():
    rows = "".join(f"<tr><td>{number}</td></tr>" for number in range(40))
    table = (
        f"<style>x</style><table><thead><tr><th>n</th></tr></thead><tbody>{rows}</tbody></table>"
    )
    one, *_ = made(code("t", shown(table)))
    page = body(one)
    assert "more rows in the notebook" in page
    assert "<td>39</td>" not in page
    assert "style" not in page
    (*_, last) = made(code("p", printed("\n".join(map(str, range(60))))))
    assert "more lines in the notebook" in body(last)


def test_of_a_widget_and_an_error_there_is_what_a_page_can_show():
    widget = new_output(
        "display_data",
        data={"application/vnd.jupyter.widget-view+json": {}, "text/html": "<p>A slider</p>"},
    )
    error = new_output("error", ename="NameError", evalue="no\nmore", traceback=["secret"])
    one, two = made(code("w", widget), code("e", error, id_="error"))
    assert [*one.parts[0].outputs[0].data] == ["text/html"]
    assert two.parts[0].outputs[0].text == "NameError: no"


def test_what_only_prepares_is_no_slide():
    assert made(code("import a\nfrom b import c\n\nlimit = 3")) == []
    assert slides.only_prepares("months = [1, 2]")
    assert not slides.only_prepares("january = load(1)")
    assert len(made(code("import this", printed("words")))) == 1


def test_an_exercise_shows_its_question_and_its_answer_is_in_the_notes():
    source = "always_cost = ____\nq1.check(always_cost, validation)\n# q1.hint()\n# q1.solution()"
    untouched = shown('<div role="status">Not attempted</div>')
    (one,) = made(
        text("### Exercise 1: always\n\nWhat does it cost?"), code(source, untouched, id_="q1")
    )
    assert one.heading == "Exercise 1: always"
    assert body(one) == "What does it cost?\nalways_cost = ____\nq1.check(always_cost, validation)"
    solution = "always_cost = NEEDLESS"
    assert any(solution in note for note in one.notes)
    assert solution not in body(one)


def test_each_question_of_the_quiz_is_a_slide_whose_answers_are_in_the_notes():
    found = made(code("quiz.show('09_building')", tags=["quiz"]))
    assert len(found) == 5
    for one in found:
        assert "Right." not in body(one)
        assert one.notes[0].count("**Right.**") >= 1
        assert body(one).count("\n1. ") == one.notes[0].count("1. ") == 1


# ---- files


def test_a_page_asks_for_reveal_beside_it_and_for_nothing_else():
    page = slides.render(LESSON)
    tree = slides.BeautifulSoup(page, "html.parser")
    asked = [tag.get("src") or tag.get("href") for tag in tree.find_all(["script", "link", "img"])]
    outside = {one for one in asked if one and not one.startswith("data:")}
    assert outside == {
        "reveal.js/dist/reveal.css",
        "reveal.js/dist/theme/white.css",
        "reveal.js/dist/reveal.js",
        "reveal.js/plugin/notes/notes.js",
    }
    assert tree.html["lang"] == "en"
    assert tree.title.text.startswith("09 · Building")
    assert all(image.get("alt") for image in tree.find_all("img"))


def test_a_lesson_without_a_notebook_says_what_makes_it(tmp_path):
    with pytest.raises(CourseError, match="school build 98_none"):
        slides.notebook(SimpleNamespace(id="98_none", notebook=tmp_path / "none.ipynb"))


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(slides.Environment, "install", lambda self: None)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(CourseError, match="cannot be written"):
        slides.make([], tmp_path / "file" / "slides")


def test_the_theme_keeps_text_readable_from_the_last_row():
    style = (slides.THEME / "style.css").read_text(encoding="utf-8")
    sizes = [
        float(part.split("px")[0]) for part in style.split("font-size: ")[1:] if "px" in part[:5]
    ]
    assert min(size for size in sizes if size != 7) >= 20  # 7: the arrows, which hold no text

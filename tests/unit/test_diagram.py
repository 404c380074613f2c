import pytest

from mlops_school import diagram
from mlops_school.diagram import Message, draw, parse, parts
from mlops_school.errors import CourseError

TEXT = """
browser -> service.py: GET /delay? at=17:05

service.py->model: hour 17
model -> browser: done
"""


def test_lines_are_messages():
    assert parse(TEXT) == [
        Message("browser", "service.py", "GET /delay? at=17:05"),
        Message("service.py", "model", "hour 17"),
        Message("model", "browser", "done"),
    ]
    assert parts(parse(TEXT)) == ["browser", "service.py", "model"]


@pytest.mark.parametrize(
    "line", ["a -> b", "a: hello", "-> b: hello", "a -> : hello", "a -> b:", "a -> a: alone"]
)
def test_a_line_that_says_something_else_is_named(line):
    with pytest.raises(CourseError, match="Line 2 of the diagram") as error:
        parse(f"a -> b: fine\n{line}")
    assert f"`{line}`" in str(error.value)


def test_nothing_to_draw():
    with pytest.raises(CourseError, match="no line"):
        parse("\n  \n")


def test_the_drawing_has_all_parts_and_an_arrow_for_each_message():
    (axes,) = draw(TEXT, title="Who asks whom").axes
    words = [text.get_text().replace("\n", " ") for text in axes.texts]
    for expected in ["browser", "service.py", "model", "GET /delay? at=17:05", "hour 17", "done"]:
        assert expected in words
    arrows = [text for text in axes.texts if getattr(text, "arrow_patch", None)]
    ends = [(arrow.xyann[0], arrow.xy[0]) for arrow in arrows]
    assert ends == [(0, 1), (1, 2), (2, 0)]
    heights = [arrow.xy[1] for arrow in arrows]
    assert heights == sorted(heights, reverse=True)
    assert axes.get_title(loc="left") == "Who asks whom"


def test_the_messages_are_the_text_alternative(capsys):
    diagram.show("a -> b: hello\nb -> a: yes", title="Talk")
    shown = capsys.readouterr().out
    assert "Talk. a to b: hello; b to a: yes." in shown

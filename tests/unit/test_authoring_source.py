"""Lessons as text: cells, ids, tags, and what becomes of a solution."""

import pytest

from mlops_school.authoring.source import Cell, read_cells
from mlops_school.errors import CourseError


def cell(*lines):
    return Cell("q1", "code", "\n".join(lines))


def solution(*lines):
    return cell("### BEGIN SOLUTION", *lines, "### END SOLUTION")


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "01_small.py"
        path.write_text(text, encoding="utf-8")
        return read_cells(path)

    return read


@pytest.mark.parametrize(
    ("code", "blank"),
    [
        ("rate = late.mean()", "rate = ____"),
        ("rate = (\n    late\n    .mean()\n)", "rate = ____"),
        ("a = 1\nb = a + 1\na = 2", "a = ____\nb = ____"),
        ("a = b = 1", "a = b = ____"),
        ("a, b = split()", "a, b = ____, ____"),
        ("(a, *b), c = split()", "(a, *b), c = (____, ____), ____"),
        ("a, = split()", "a, = ____,"),
        ("rate: float = 1.0", "rate: float = ____"),
        ('table["rate"] = 1', 'table["rate"] = ____'),
        ("table.rate = 1", "table.rate = ____"),
        ("import os\nfor i in range(3):\n    b = i\nprint(b)\na = b", "a = ____"),
        ("def helper():\n    return 1\n\n\nanswer = helper()", "answer = ____"),
        ("# think\n\nanswer = 'été'  # so\n# done", "answer = ____"),
        ('a = """\nnot indented\n"""', "a = ____"),
    ],
)
def test_solution_leaves_what_it_assigns(code, blank):
    assert solution(*code.split("\n")).unsolved() == blank


def test_solution_in_a_function_leaves_what_it_returns():
    lines = ["def cost(threshold):", "    missed = 3", "    ### BEGIN SOLUTION"]
    lines += ["    # how many", "    late = missed + 1", "", "    return late * threshold"]
    lines += ["    ### END SOLUTION", "", "cost(2)"]
    function = cell(*lines)
    assert function.unsolved().split("\n") == [
        *lines[:2],
        "    late = ____",
        "    return ____",
        "",
        "cost(2)",
    ]
    assert function.solved().split("\n") == [line for line in lines if "SOLUTION" not in line]


def test_only_the_last_return_is_left():
    early = cell(
        "def sign(x):",
        "    ### BEGIN SOLUTION",
        "    if x < 0:",
        "        return -1",
        "    return 1",
        "    ### END SOLUTION",
    )
    assert early.unsolved() == "def sign(x):\n    return ____"


def test_each_of_two_solutions_is_blanked_and_the_rest_stays():
    both = cell(
        "x = 1",
        *("### BEGIN SOLUTION", "a = 1", "### END SOLUTION"),
        "y = 2",
        *("### BEGIN SOLUTION", "b = 1", "### END SOLUTION"),
    )
    assert both.unsolved() == "x = 1\na = ____\ny = 2\nb = ____"
    assert both.given == ["x = 1", "y = 2"]
    assert both.has_solution


def test_text_without_solution_stays_as_it_is():
    plain = cell("a = 1", "", "# ### so", "b = '____'")
    assert plain.unsolved() == plain.solved() == plain.source
    assert not plain.has_solution


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("print(1)", "neither assigns nor returns"),
        ("a += 1", "neither assigns nor returns"),
        ("a: int", "neither assigns nor returns"),
        ("return", "neither assigns nor returns"),
        ("# nothing yet", "neither assigns nor returns"),
        ("", "neither assigns nor returns"),
        ("a = ", "not valid Python"),
        ("    # nothing yet", "not valid Python"),
    ],
)
def test_solution_without_an_answer_is_refused(code, reason):
    with pytest.raises(ValueError, match=reason):
        solution(code).unsolved()


def test_cells_keep_id_kind_tags_and_text(read):
    cells = read(
        '# %% [markdown] id="why"\n# ## Why\n#\n# Because.\n\n'
        '# %% tags=["parameters", "x"] id="set-up_1"\nsize = 3\n\n\ndef f():\n    pass\n'
    )
    assert cells == [
        Cell("why", "markdown", "## Why\n\nBecause."),
        Cell("set-up_1", "code", "size = 3\n\n\ndef f():\n    pass", ("parameters", "x")),
    ]


def test_comments_that_look_like_commands_stay_comments(read):
    assert read('# %% id="a"\n# copy the table\n# ls %time\nx = 1\n')[0].source == (
        "# copy the table\n# ls %time\nx = 1"
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('# %%\nx = "no id"\n', '01_small.py: the cell that begins with `x = "no id"` has no id.'),
        ("# A title\n", "`# A title` has no id"),
        ('# %% id="a b"\nx\n', "'a b' is no valid id"),
        (f'# %% id="{"a" * 65}"\nx\n', "no valid id"),
        ('# %% id="a"\nx\n\n# %% id="a"\ny\n\n# %% id="a"\nz\n', "3 cells have the id 'a'"),
        ('# %% id="header"\nx\n', "belongs to a cell that the build makes"),
        ('# %% id="footer"\nx\n', "belongs to a cell that the build makes"),
        ('# %% [raw] id="a"\n# x\n', "cell 'a' is raw"),
        (
            '# %% id="a"\n### BEGIN SOLUTION\nprint(1)\n### END SOLUTION\n',
            "cell 'a': the solution neither assigns nor returns",
        ),
        (
            '# %% id="a"\n### BEGIN SOLUTION\na = 1\n\n# %% id="b"\nb = 1\n',
            "01_small.py:2: this solution does not end in its cell",
        ),
        (
            '# %% id="a"\n### BEGIN SOLUTION\na = 1\n\n'
            '# %% id="b"\n### BEGIN SOLUTION\nb = 1\n### END SOLUTION\n',
            "01_small.py:2: this solution does not end in its cell",
        ),
        ('# %% id="a"\n### BEGIN SOLUTION\na = 1\n', "01_small.py:2: this solution does not end"),
        ('# %% id="a"\na = 1\n### END SOLUTION\n', "01_small.py:3: a solution ends here"),
        (
            '# %% id="a"\n### BEGIN SOLUTION\n### BEGIN SOLUTION\na = 1\n### END SOLUTION\n',
            "01_small.py:3: a solution begins inside the one that begins in line 2",
        ),
        ('# %% id="a"\n# BEGIN SOLUTION\na = 1\n', "01_small.py:2: write the markers exactly"),
        ('# %% id="a"\na = 1\n### End Solution ###\n', "01_small.py:3: write the markers exactly"),
    ],
)
def test_what_must_be_put_right_is_said_with_its_place(read, text, complaint):
    with pytest.raises(CourseError) as raised:
        read(text)
    assert len(str(raised.value).splitlines()) == 1
    assert complaint in str(raised.value)


def test_all_complaints_come_at_once(read):
    with pytest.raises(CourseError) as raised:
        read('# %% id="a"\nx\n\n# %% id="a"\ny\n\n# %%\nz\n')
    assert len(str(raised.value).splitlines()) == 2


def test_solution_does_not_reach_into_the_next_cell(read):
    with pytest.raises(CourseError) as raised:
        read('# %% id="a"\n### BEGIN SOLUTION\na = 1\n\n# %% id="b"\nb = 1\n### END SOLUTION\n')
    begin, end = str(raised.value).splitlines()
    assert begin.startswith("01_small.py:2: this solution does not end in its cell")
    assert end.startswith("01_small.py:7: a solution ends here that has not begun in this cell")


def test_missing_source_is_named(tmp_path):
    with pytest.raises(CourseError, match=r"02_gone\.py: there is no such file"):
        read_cells(tmp_path / "02_gone.py")

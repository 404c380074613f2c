"""How nbval compares notebooks in this suite, proved on notebooks that must fail."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbval.plugin import get_sanitize_patterns

from mlops_school.authoring.assemble import METADATA, write_notebook

TESTS = Path(__file__).parents[1]


def notebook(*cells):
    """Return a notebook of code cells, each given as its source and what it is said to print.

    What is no text is an output as it stands.
    """
    return new_notebook(
        metadata=METADATA,
        cells=[
            new_code_cell(
                source,
                execution_count=1,
                outputs=[new_output("stream", text=out) if isinstance(out, str) else out]
                if out
                else [],
            )
            for source, out in cells
        ],
    )


ALONE = notebook(
    ("import os, pathlib\nprint(pathlib.Path.cwd().name)", "notebooks\n"),
    ("print(os.listdir(os.environ['SCHOOL_WORKSPACE']))", "[]\n"),
    ("pathlib.Path(os.environ['SCHOOL_WORKSPACE'], 'made').touch()", ""),
)
UPDATED = """\
from IPython.display import display
handle = display({"text/plain": "first"}, raw=True, display_id=True)
handle.update({"text/plain": "last"}, raw=True)"""
NOTEBOOKS = {
    # Many cells that need one another: they must all go to one worker.
    "sound": notebook(("n = 0", ""), *[("n += 1\nprint(n)", f"{n}\n") for n in range(1, 9)]),
    "sound_too": notebook(("n = 9", ""), *[("n += 1\nprint(n)", f"{n}\n") for n in range(10, 18)]),
    # One kernel for all that is wrong, or might seem to be: the cells do not need one another.
    "mixed": notebook(
        ("print('one')", "one\n"),
        ("print('one')", "two\n"),
        ("print('more than is stored')", ""),
        ("1", "less than is stored\n"),
        (
            "import time, uuid\nprint(time.strftime('%Y-%m-%d %H:%M'), uuid.uuid4().hex)",
            "2024-02-29 12:00 0123456789abcdef0123456789abcdef\n",
        ),
        # What was shown last is stored, so that is what is compared.
        (UPDATED, new_output("display_data", {"text/plain": "last"})),
        (UPDATED, new_output("display_data", {"text/plain": "first"})),
        ("1 / 0", ""),
    ),
    # Three on two workers: two of them follow one another on one worker.
    **dict.fromkeys(("alone", "alone_too", "alone_again"), ALONE),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Compare the notebooks on two workers; return the outcomes of each one's cells, in order."""
    root = tmp_path_factory.mktemp("course")
    (root / "tests" / "notebooks").mkdir(parents=True)
    for name in ("conftest.py", "sanitize.cfg"):
        shutil.copy(TESTS / name, root / "tests" / name)
    for name, content in NOTEBOOKS.items():
        write_notebook(content, root / "notebooks" / f"{name}.ipynb")
    command = [sys.executable, "-m", "pytest", "tests", "-rA", "-n", "2", "--dist", "loadgroup"]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, encoding="utf-8")
    found = re.findall(r"^(PASSED|FAILED) notebooks/(\w+)\.ipynb::Cell (\d+)", run.stdout, re.M)
    return {
        name: [outcome for outcome, other, _ in sorted(found, key=cell_number) if other == name]
        for name in NOTEBOOKS
    }


def cell_number(found):
    return int(found[2])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sound", ["PASSED"] * 9),
        ("sound_too", ["PASSED"] * 9),
        ("mixed", ["PASSED", "FAILED", "FAILED", "FAILED", "PASSED", "PASSED", "FAILED", "FAILED"]),
        ("alone", ["PASSED"] * 3),
        ("alone_too", ["PASSED"] * 3),
        ("alone_again", ["PASSED"] * 3),
    ],
)
def test_every_cell_has_the_outcome_that_it_must_have(outcomes, name, expected):
    assert outcomes[name] == expected


def sanitized(text):
    patterns = get_sanitize_patterns((TESTS / "sanitize.cfg").read_text(encoding="ascii"))
    for pattern, replacement in patterns:
        text = re.sub(pattern, replacement, text)
    return text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('<img alt="A" src="data:;base64,iVBORw0+/==">', '<img alt="A" src="data:;base64,x">'),
        ("file /home/ana/course/x.csv read", "file /Users/bo/x.csv read"),
        ("sqlite:////tmp/pytest-1/mlflow.db", "sqlite:////root/w/mlflow.db"),
        ("in C:\\Users\\ana\\x.", "in D:\\course\\y"),
        ("at 2026-11-23 12:01:33.123", "at 2031-01-02 00:00:00"),
        ("at 2026-11-23T12:01:33Z", "at 2027-11-23T12:01:33+00:00"),
        ("took 1.25 s", "took 12.5 s"),
        ("took 35 ms", "took 8.1 \u00b5s"),
        ("run 0123456789abcdef0123456789abcdef", "run fedcba9876543210fedcba9876543210"),
        ("m-0123456789abcdef0123456789abcdef", "m-fedcba9876543210fedcba9876543210"),
        (f"commit {'a1' * 20}-dirty", f"commit {'b2' * 20}"),
        ("[main (root-commit) 1a2b3c4] Start", "[main (root-commit) 4c3b2a1] Start"),
        ("log\na1b2c3d Start", "log\nd3c2b1a Start"),
        ("http://127.0.0.1:5000/x", "http://127.0.0.1:43211/x"),
    ],
)
def test_chance_is_not_compared(one, other):
    assert sanitized(one) == sanitized(other)


@pytest.mark.parametrize(
    "text",
    [
        '<img alt="Bars: 3 and 4.">',
        "2013-07-01 05:00:00",
        "336,776 flights, 15 minutes late, 26 %, 3 standard deviations",
        "0.7812345 and 1.234567e-05 and 12345678",
        "./data/x.csv and course/data and https://example.org/tmp/x",
        "1234567 rows",
        "deadbeef is a word of letters",
        "Not attempted",
        "port 8000",
    ],
)
def test_what_a_lesson_says_is_compared(text):
    assert sanitized(text) == text


def test_other_words_of_a_picture_are_seen():
    picture = '<img alt="{}" src="data:image/png;base64,AAAA">'
    assert sanitized(picture.format("3 late")) != sanitized(picture.format("4 late"))

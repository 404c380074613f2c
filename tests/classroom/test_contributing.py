"""What CONTRIBUTING says of a new lesson, followed word for word in a clean copy of the course."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from mlops_school.paths import ROOT

pytestmark = pytest.mark.classroom


@pytest.fixture
def copy(tmp_path) -> Path:
    """Return a clean copy of the course as it was committed last."""
    folder = tmp_path / "course"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


def commands() -> list[list[str]]:
    """Return the commands of the section, without what makes uv run them."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("## Add a lesson in ten minutes")[2].partition("\n## ")[0]
    (block,) = re.findall(r"```\n(.+?)```", section, flags=re.DOTALL)
    lines = block.strip().splitlines()
    assert all(line.startswith("uv run --frozen ") for line in lines)
    return [shlex.split(line.removeprefix("uv run --frozen ")) for line in lines]


def test_a_lesson_can_be_added_word_for_word(copy, tmp_path):
    environment = os.environ | {
        "PYTHONPATH": str(copy / "utils"),  # the copy's package, in the environment that is there
        "SCHOOL_WORKSPACE": str(tmp_path / "workspace"),
    }
    said = []
    for command in commands():
        answer = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, encoding="utf-8"
        )
        assert answer.returncode == 0, f"{command}\n{answer.stdout}\n{answer.stderr}"
        said.append(answer.stdout)
    assert (copy / "notebooks" / "17_airlines.ipynb").exists()
    assert re.search(r"\b\d\d passed", said[-1])
    assert "failed" not in said[-1]

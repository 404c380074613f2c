import shutil
from types import SimpleNamespace

import psutil
import pytest

from mlops_school import data, selfcheck
from mlops_school.errors import CourseError


@pytest.fixture(autouse=True)
def own_workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(tmp_path / "workspace"))


def test_this_computer_is_ready():
    table = selfcheck.run()
    assert list(table["ready"]) == ["yes"] * len(table)
    assert "27,004 flights" in table.loc["flight data", "found"]
    assert (table["what to do"] == "").all()


def test_little_memory_is_said(monkeypatch):
    memory = SimpleNamespace(available=0.3 * selfcheck.GIB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    row = selfcheck.run().loc["free memory"]
    assert row["ready"] == "NO"
    assert "Only 0.3 GiB" in row["what to do"]


def test_little_disk_is_said(monkeypatch):
    disk = SimpleNamespace(free=0.1 * selfcheck.GIB)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: disk)
    assert "Make room" in selfcheck.run().loc["free disk", "what to do"]


def test_a_workspace_that_cannot_be_written_is_said_and_the_rest_goes_on(tmp_path, monkeypatch):
    in_the_way = tmp_path / "a file"
    in_the_way.write_text("", encoding="utf-8")
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(in_the_way / "workspace"))
    table = selfcheck.run()
    assert table.loc["workspace", "ready"] == "NO"
    assert "cannot be written to" in table.loc["workspace", "what to do"]
    assert table.loc["Python", "ready"] == "yes"


def test_git_that_is_missing_is_said(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert "git-scm.com" in selfcheck.run().loc["Git", "what to do"]


def test_damaged_data_are_said(monkeypatch):
    def damaged(months):
        raise CourseError("January is damaged.")

    monkeypatch.setattr(data, "load_flights", damaged)
    assert selfcheck.run().loc["flight data", "what to do"] == "January is damaged."

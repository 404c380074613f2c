"""Files are replaced as a whole, and their hashes are those of their bytes."""

from pathlib import Path

import pytest

from mlops_school import files
from mlops_school.errors import CourseError


def test_the_old_file_is_there_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "a month.parquet"
    path.write_bytes(b"old")
    with files.replacing(path) as part:
        part.write_bytes(b"new")
        assert path.read_bytes() == b"old"
        assert files.arrived(tmp_path) == [path]
    assert path.read_bytes() == b"new"
    assert [*tmp_path.iterdir()] == [path]


def test_a_writer_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "month.parquet"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), files.replacing(path) as part:
        part.write_bytes(b"half")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("method", ["open", "replace"])
def test_a_refusal_of_the_system_becomes_a_sentence(method, tmp_path, monkeypatch):
    """As on Windows, where an open file cannot be replaced."""
    path = tmp_path / "month.parquet"
    path.write_bytes(b"old")

    def refuse(*args):
        raise PermissionError(13, "in use")

    with (
        monkeypatch.context() as patch,
        pytest.raises(CourseError, match=r"month\.parquet cannot be written \(in use\)"),
        files.replacing(path) as part,
    ):
        part.write_bytes(b"new")
        patch.setattr(Path, method, refuse)
    assert path.read_bytes() == b"old"


def test_the_bytes_are_on_the_disk_before_the_rename(tmp_path, monkeypatch):
    path = tmp_path / "month.parquet"
    synced = []
    monkeypatch.setattr(files.os, "fsync", lambda number: synced.append(path.exists()))
    with files.replacing(path) as part:
        part.write_bytes(b"new")
    assert synced == [False]


def test_only_visible_and_finished_files_have_arrived(tmp_path):
    for name in ("b.csv", "a.csv", ".DS_Store", "c.csv.part"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    assert [path.name for path in files.arrived(tmp_path)] == ["a.csv", "b.csv"]


def test_hashes_are_those_that_everybody_else_computes(tmp_path):
    """The values are the examples of RFC 6234 and RFC 1321."""
    path = tmp_path / "abc.txt"
    path.write_bytes(b"abc")
    assert files.sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert files.md5(path) == "900150983cd24fb0d6963f7d28e17f72"

"""Reading the file of an offline run."""

import struct
from types import SimpleNamespace

import pytest

from mlops_school import wandb_files
from mlops_school.errors import CourseError

BLOCK = 32768


def write(path, *records):
    """Write records as the format wants it: cut at the borders of blocks."""
    content = b":W&B\xe1\xbe\x00"
    for record in records:
        first = True
        while True:
            left = BLOCK - len(content) % BLOCK
            if left < 7:
                content += bytes(left)
                continue
            piece, record = record[: left - 7], record[left - 7 :]
            kind = (1 if first else 4) if not record else (2 if first else 3)
            content += struct.pack("<IHB", 0, len(piece), kind) + piece
            first = False
            if not record:
                break
    path.write_bytes(content)
    return content


@pytest.mark.parametrize("size", [0, 1, 100, BLOCK - 24, BLOCK - 21, BLOCK, 3 * BLOCK])
def test_what_was_written_is_read_whatever_borders_it_crosses(size, tmp_path):
    path = tmp_path / "run-1.wandb"
    wanted = [b"one", b"x" * size, b"three"]
    write(path, *wanted)
    assert list(wandb_files.records(path)) == wanted


def test_a_record_that_was_cut_by_a_crash_is_left_out(tmp_path):
    path = tmp_path / "run-1.wandb"
    content = write(path, b"one", b"two" * 50)
    path.write_bytes(content[:-1])
    assert list(wandb_files.records(path)) == [b"one"]


def test_another_file_is_refused(tmp_path):
    path = tmp_path / "run-1.wandb"
    path.write_bytes(b"PAR1")
    with pytest.raises(CourseError, match=r"run-1\.wandb is no file of a run"):
        list(wandb_files.records(path))


def test_the_history_has_what_was_logged_and_nothing_of_the_client():
    def record(kind, *items):
        return SimpleNamespace(
            HasField=lambda name: name == kind,
            history=SimpleNamespace(
                item=[SimpleNamespace(key="", nested_key=[k], value_json=v) for k, v in items]
            ),
        )

    logged = record("history", ("_step", "0"), ("trees", "10"), ("may_loss", "0.5"))
    assert wandb_files.history([record("run"), logged]) == [{"trees": 10, "may_loss": 0.5}]

from matplotlib.patches import Rectangle

from mlops_school import table_views

VERSIONS = {
    "0\nwrite": {"month=1/x.parquet"},
    "1\nwrite": {"month=1/x.parquet", "month=2/b.parquet"},
    "2\nmerge": {"month=1/a.parquet", "month=2/b.parquet"},
    "3\nrestore": {"month=1/x.parquet", "month=2/b.parquet"},
}


def test_files_are_named_by_their_folder_in_the_order_in_which_they_appear():
    assert table_views.describe_files(VERSIONS) == (
        "0 write: month=1 a. 1 write: month=1 a, month=2 a. "
        "2 merge: month=1 b, month=2 a. 3 restore: month=1 a, month=2 a."
    )


def test_a_file_is_new_in_its_first_version_only():
    (axes,) = table_views.files_grid(VERSIONS).axes
    boxes = [box for box in axes.patches if isinstance(box, Rectangle)]
    hatched = {(box.get_x(), box.get_y()) for box in boxes if box.get_hatch()}
    assert len(boxes) == sum(map(len, VERSIONS.values()))
    assert hatched == {(0, 0), (2, 1), (1, 2)}
    assert [text.get_text() for text in axes.texts] == ["new"] * 3
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "month=1 a",
        "month=1 b",
        "month=2 a",
    ]

"""The four metrics, from the history of a real repository."""

from datetime import UTC, datetime, timedelta

import matplotlib.pyplot as plt
import pytest

from mlops_school import dora
from mlops_school.errors import CourseError
from mlops_school.repository import Repository


@pytest.fixture
def repository(tmp_path):
    return Repository.create(tmp_path / "repository")


def change(repository, version, *dates, kind="release", live):
    """Commit once at each date, and deploy the last one as a version."""
    for date in dates:
        repository.write(f"{date}.txt".replace(":", ""), date)
        repository.commit(date, date)
    repository.tag(f"v{version}")
    dora.record(repository, version, kind, live)


@pytest.fixture
def eventful(repository):
    """Return a repository with a merge, a rollback and a hotfix in its history."""
    change(repository, "1.0", "2013-03-01 09:00", live="2013-03-01 10:00")
    repository.git("switch", "--quiet", "--create", "side")
    repository.write("side.txt", "side")
    repository.commit("side", "2013-03-02 09:00")
    repository.git("switch", "--quiet", "main")
    repository.git("merge", "--no-ff", "--message", "merge", "side", date="2013-03-02 12:00")
    change(repository, "1.1", live="2013-03-02 13:00")
    dora.record(repository, "1.0", "rollback", "2013-03-02 15:00")
    change(repository, "1.2", "2013-03-03 09:00", "2013-03-03 10:00", live="2013-03-03 12:00")
    change(repository, "1.3", "2013-03-03 12:30", kind="hotfix", live="2013-03-03 13:00")
    return repository


def test_the_history_says_what_was_deployed_when_and_with_which_changes(eventful):
    history = dora.history(eventful)
    assert [(one.version, one.kind, one.failed, len(one.committed)) for one in history] == [
        ("1.0", "release", False, 1),
        ("1.1", "release", True, 1),  # the merge is no change
        ("1.0", "rollback", False, 0),
        ("1.2", "release", True, 2),
        ("1.3", "hotfix", False, 1),
    ]
    assert history[1].time == datetime(2013, 3, 2, 13, tzinfo=UTC)
    assert history[1].committed == (datetime(2013, 3, 2, 9, tzinfo=UTC),)


def test_the_metrics_by_hand(eventful):
    metrics = dora.measure(dora.history(eventful), weeks=2)
    assert metrics.deployments_per_week == 4 / 2
    assert metrics.lead_time == timedelta(hours=2)  # of 1, 4, 3, 2 and a half
    assert metrics.change_failure_rate == 2 / 4
    assert metrics.time_to_restore == timedelta(hours=1.5)  # of 2 and 1


def test_of_nothing_nothing_is_known(repository):
    assert dora.history(repository) == []
    assert dora.measure([], weeks=1) == dora.Metrics(0, None, None, None)


def test_without_a_failure_there_is_no_time_to_restore(repository):
    change(repository, "1.0", "2013-03-01 09:00", live="2013-03-01 10:00")
    metrics = dora.measure(dora.history(repository), weeks=1)
    assert (metrics.change_failure_rate, metrics.time_to_restore) == (0, None)


def test_a_change_that_was_live_once_is_not_counted_again_after_a_rollback(eventful):
    changes = [moment for one in dora.history(eventful) for moment in one.committed]
    assert len(changes) == len(set(changes)) == 5


def test_ten_and_more_deployments_stay_in_their_order(repository):
    for day in range(1, 13):
        change(repository, f"1.{day}", f"2013-03-{day:02} 09:00", live=f"2013-03-{day:02} 10:00")
    assert [one.version for one in dora.history(repository)] == [f"1.{n}" for n in range(1, 13)]


def test_without_a_date_a_deployment_is_now(repository):
    before = datetime.now(UTC).replace(microsecond=0)
    change(repository, "1.0", "2013-03-01 09:00", live=None)
    assert before <= dora.history(repository)[0].time <= datetime.now(UTC)


def test_an_unknown_version_or_kind_is_refused(repository):
    change(repository, "1.0", "2013-03-01 09:00", live="2013-03-01 10:00")
    with pytest.raises(CourseError, match="no version 'v9'"):
        dora.record(repository, "9")
    with pytest.raises(CourseError, match="'oops' is none of them"):
        dora.record(repository, "1.0", "oops")
    assert len(dora.history(repository)) == 1


def test_the_picture_shows_every_deployment_and_its_kind(eventful):
    figure = dora.timeline(dora.history(eventful))
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.texts] == ["1.0", "1.1", "1.0", "1.2", "1.3"]
    points = {one.get_label(): len(one.get_offsets()) for one in axes.collections}
    assert points == {"commit": 5, "deployed": 2, "had to be repaired": 2, "rollback": 1}
    assert len(axes.lines) == 5
    plt.close(figure)


def test_the_picture_of_nothing_is_empty():
    figure = dora.timeline([])
    assert not figure.axes[0].texts
    plt.close(figure)

from types import SimpleNamespace

import numpy as np
import pytest

from mlops_school import mlops_loop, plots
from mlops_school.cells import Notebook
from mlops_school.errors import CourseError
from mlops_school.evaluation import MISSED, NEEDLESS, cost
from mlops_school.features import FEATURES, load_examples
from mlops_school.mlops_loop import (
    STEPS,
    TRAINING_CELLS,
    GuardedService,
    Service,
    SimulatedServer,
    check_request,
    deploy,
    draw_loop,
    learn,
    release_by_hand,
    release_steps,
    start_server,
    train_service,
    version_of,
    warn_in_chunks,
    watch,
)


@pytest.fixture(scope="module")
def april():
    return load_examples([4]).sample(12_000, random_state=0)


@pytest.fixture(scope="module")
def may():
    return load_examples([5]).sample(3000, random_state=0)


@pytest.fixture(scope="module")
def service(april):
    return learn(april)


@pytest.fixture(scope="module")
def other(april):
    """Return a service with another model and another threshold."""
    return Service(learn(april.head(4000)).model, 0.5)


@pytest.fixture(scope="module")
def backwards(april):
    return learn(april.assign(late=~april["late"]))


# ---- learn


def test_a_service_warns_from_its_threshold_on(service, may):
    probability = service.probability(may)
    at_first = Service(service.model, probability[0])
    assert at_first.warn(may)[0]
    assert np.array_equal(at_first.warn(may), probability >= probability[0])


def test_the_threshold_is_the_cheapest_on_what_was_learned(service, april):
    def dollars(threshold):
        return Service(service.model, threshold).measure(april)["cost_per_flight"]

    assert dollars(service.threshold) == min(map(dollars, [0.1, 0.2, 0.3, service.threshold]))


def test_a_seed_makes_training_repeatable_and_its_lack_does_not(april, may):
    first, second, unseeded, again = (
        learn(april, seed).probability(may) for seed in (3, 3, None, None)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(unseeded, again)


def test_the_cells_make_the_service_that_one_call_makes(may):
    notebook = Notebook(TRAINING_CELLS)
    notebook.memory["months"] = [2]
    by_hand, automatic = notebook.run()["service"], train_service([2])
    assert by_hand.threshold == automatic.threshold
    assert np.array_equal(by_hand.probability(may), automatic.probability(may))


def test_equal_tables_have_equal_versions(may):
    assert version_of(may) == version_of(may.copy()) == version_of(may.reset_index(drop=True))


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.iloc[1:],
        lambda table: table.iloc[::-1],
        lambda table: table.rename(columns={"temp": "temperature"}),
        lambda table: table.assign(distance=table["distance"].where(table.index != table.index[5])),
        lambda table: table.assign(late=~table["late"]),
    ],
    ids=["a row less", "another order", "another name", "a value less", "other labels"],
)
def test_any_change_makes_another_version(change, may):
    assert version_of(change(may)) != version_of(may)


# ---- release


def test_a_server_answers_as_the_service_that_was_saved(service, other, may, tmp_path):
    for one in (service, other):
        server = start_server(one, tmp_path / "server")
        assert np.array_equal(server.warn(may), one.warn(may))


def test_a_server_without_a_service_says_so(tmp_path, service):
    with pytest.raises(CourseError, match=r"no model\.skops .* Save a service"):
        SimulatedServer(tmp_path)
    release_steps(service, tmp_path)["copy the model"]()
    with pytest.raises(CourseError, match=r"no threshold\.json"):
        SimulatedServer(tmp_path)


@pytest.mark.parametrize(
    "forgotten", ["copy the model", "edit the threshold", "restart the server"]
)
def test_each_step_matters(forgotten, service, other, may, tmp_path):
    server = start_server(service, tmp_path)
    assert forgotten in release_by_hand(other, server, forgotten)
    assert not np.array_equal(server.warn(may), other.warn(may))


def test_all_steps_release_the_service(service, other, may, tmp_path):
    server = start_server(service, tmp_path)
    release_by_hand(other, server)
    assert np.array_equal(server.warn(may), other.warn(may))
    deploy(service, server, may)
    assert np.array_equal(server.warn(may), service.warn(may))


def test_a_release_that_answers_otherwise_is_taken_back(service, other, may, tmp_path, monkeypatch):
    server = start_server(service, tmp_path)
    skip = {"edit the threshold": lambda: None}
    steps = release_steps
    monkeypatch.setattr(
        mlops_loop,
        "release_steps",
        lambda one, folder: steps(one, folder) | (skip if one is other else {}),
    )
    with pytest.raises(CourseError, match="the old one is back"):
        deploy(other, server, may)
    assert np.array_equal(server.warn(may), service.warn(may))
    assert np.array_equal(SimulatedServer(tmp_path).warn(may), service.warn(may))


# ---- answer


def test_chunks_give_the_same_warnings_and_hold_one_at_a_time(service, may):
    alive = []

    def chunks():
        for start in range(0, 3000, 700):
            alive.append(start)
            yield may.iloc[start : start + 700]

    warned, peak = warn_in_chunks(service, chunks())
    assert np.array_equal(warned, service.warn(may))
    assert peak == 700
    assert len(alive) == 5


def test_possible_flights_are_not_refused(may):
    check_request(may)
    check_request(may.head(2).assign(temp=np.nan, distance=np.nan, origin=np.nan))
    check_request(may.head(1).assign(minute_of_day=0))
    check_request(may.head(1).assign(minute_of_day=1439))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"minute_of_day": 1440}, "minute_of_day is 1440, not between 0 and 1439"),
        ({"minute_of_day": -1}, "minute_of_day is -1"),
        ({"distance": 9000}, "distance is 9000"),
        ({"origin": "LAX"}, "'LAX' is no airport"),
    ],
)
def test_impossible_flights_are_refused(change, reason, may, service):
    flights = may.head(3).assign(**change)
    with pytest.raises(CourseError, match=f"Refused: .*{reason}"):
        check_request(flights)
    with pytest.raises(CourseError, match="Refused"):
        GuardedService(service).warn(flights)


@pytest.mark.parametrize("name", FEATURES)
def test_a_missing_column_is_named(name, may):
    with pytest.raises(CourseError, match=f"column '{name}' is missing"):
        check_request(may.drop(columns=name))


def test_a_good_candidate_is_taken(service, other, may):
    guarded = GuardedService(other)
    assert guarded.offer(service, may).startswith("taken, ROC AUC 0.7")
    assert guarded.last_good is service
    assert np.array_equal(guarded.warn(may), service.warn(may))


def test_a_bad_candidate_leaves_the_last_good_one(service, backwards, may):
    guarded = GuardedService(service)
    assert guarded.offer(backwards, may).startswith("refused, ROC AUC 0.2")
    assert guarded.offer(Service(None, 0.2), may) == "refused, it fails with AttributeError"
    assert guarded.last_good is service


def test_a_candidate_on_the_limit_is_good(service, may):
    candidate = SimpleNamespace(measure=lambda recent: {"roc_auc": 0.7})
    assert GuardedService(service).offer(candidate, may).startswith("taken")


# ---- watch


def test_watching_measures_each_month_by_hand(service, monkeypatch):
    monkeypatch.setattr(mlops_loop, "load_examples", lambda months: MONTHS[months[0]])
    MONTHS = {month: load_examples([month]).head(3000) for month in (2, 9)}
    watched = watch(service, [2, 9])
    assert list(watched.index) == ["Feb", "Sep"]
    february = MONTHS[2]
    late, metrics = february["late"].mean(), service.measure(february)
    row = watched.loc["Feb"]
    assert row["late"] == pytest.approx(100 * late)
    assert row["gap"] == pytest.approx(row["expected"] - row["late"])
    assert row["roc_auc"] == metrics["roc_auc"]
    assert row["dollars"] == metrics["cost_per_flight"]
    assert row["simple"] == pytest.approx(min(MISSED * late, NEEDLESS * (1 - late)))


@pytest.mark.parametrize(
    ("flip", "threshold", "broken"),
    [(False, 0.2, ""), (False, 1.1, "R2"), (True, 0.2, "R2 R3")],
    ids=["good", "never warns", "backwards"],
)
def test_broken_requirements_are_named(flip, threshold, broken, service, backwards, monkeypatch):
    # April is where it learned: the model itself keeps both requirements there.
    one = Service((backwards if flip else service).model, threshold)
    assert watch(one, [4])["broken"].tolist() == [broken]


# ---- the picture


def test_the_picture_names_every_step():
    figure = draw_loop()
    words = "\n".join(text.get_text() for text in figure.axes[0].texts)
    assert all(step in words and benefit in words for step, benefit in STEPS.items())
    plots.plt.close(figure)


def test_the_model_is_not_cheaper_than_every_rule_in_every_month_as_the_lesson_says():
    model = learn(load_examples([1, 2, 3, 4]))
    cheaper = set()
    for month in (5, 6, 7):
        flights = load_examples([month])
        from_noon = flights["minute_of_day"] >= 12 * 60
        if cost(flights["late"], from_noon) < cost(flights["late"], model.warn(flights)):
            cheaper.add(month)
    assert cheaper == {6, 7}

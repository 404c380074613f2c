"""The release that is in service: packed, loaded, asked for forecasts, and put under load."""

import asyncio
import json
import sys
import threading
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mlops_school import champion, data, features, forecasts, load, model_package, skew
from mlops_school.errors import CourseError
from mlops_school.forecasts import Flight, Forecaster
from mlops_school.model_package import ModelPackage
from mlops_school.servers import Server, free_port, get


def shout(table):
    return table


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCHOOL_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
        yield champion.folder()


@pytest.fixture(scope="module")
def forecaster(package):
    return Forecaster(ModelPackage.load(package))


@pytest.fixture(scope="module")
def july():
    flights = data.load_flights([7])
    return flights[flights["arr_delay"].notna()].reset_index(drop=True)


REQUEST = {
    "carrier": "UA",
    "origin": "EWR",
    "dest": "ORD",
    "departure": "2013-07-01T17:30:00-04:00",
    "tailnum": "N14228",
}


def test_a_package_is_what_was_written(package, tmp_path, july):
    one = ModelPackage.load(package)
    other = ModelPackage.load(one.write(tmp_path / "new" / "place"))
    assert (other.version, other.threshold, other.months) == ("1", one.threshold, (1, 2, 3, 4))
    assert other.record == one.record
    examples = features.make_features(july.head(50), data.load_weather(), data.load_planes())
    assert np.array_equal(one.model.predict_proba(examples), other.model.predict_proba(examples))


def test_a_package_takes_the_place_of_another(tmp_path):
    for version in ("1", "2"):
        ModelPackage(version, DummyClassifier(), 0.5, (1,), {}).write(tmp_path)
    assert ModelPackage.load(tmp_path).version == "2"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_package_that_lacks_a_file_is_refused(package, tmp_path):
    with pytest.raises(CourseError, match=r"no model package: package\.json is missing"):
        ModelPackage.load(tmp_path)
    ModelPackage.load(package).write(tmp_path)
    (tmp_path / model_package.MODEL).unlink()
    with pytest.raises(CourseError, match=r"no model package: model\.skops is missing"):
        ModelPackage.load(tmp_path)


@pytest.mark.parametrize(
    "damage", ["", "[]", "{}", '{"version": "1"}', b"\xff", '{"months": 3, "sha256": "x"}']
)
def test_a_description_that_cannot_be_read_is_refused(package, tmp_path, damage):
    ModelPackage.load(package).write(tmp_path)
    damage = damage if isinstance(damage, bytes) else damage.encode()
    (tmp_path / model_package.DESCRIPTION).write_bytes(damage)
    with pytest.raises(CourseError, match="cannot be read"):
        ModelPackage.load(tmp_path)


def test_a_model_whose_bytes_differ_is_refused(package, tmp_path):
    ModelPackage.load(package).write(tmp_path)
    with (tmp_path / model_package.MODEL).open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(CourseError, match="SHA-256 differs"):
        ModelPackage.load(tmp_path)


def test_another_model_in_the_place_of_the_first_is_opened(package, tmp_path):
    first = ModelPackage.load(ModelPackage.load(package).write(tmp_path))
    assert ModelPackage.load(tmp_path).model is first.model  # the same bytes are opened once
    other = DummyClassifier(strategy="prior").fit([[0], [0]], [True, False])
    ModelPackage("2", other, 0.5, (1,), {}).write(tmp_path)
    assert ModelPackage.load(tmp_path).model.predict_proba([[0]]).tolist() == [[0.5, 0.5]]


def test_a_model_of_a_type_that_nobody_has_approved_is_refused(tmp_path):
    model = make_pipeline(FunctionTransformer(shout), DummyClassifier())
    ModelPackage("1", model, 0.5, (1,), {}).write(tmp_path)
    with pytest.raises(CourseError, match=r"nobody has approved: .*shout"):
        ModelPackage.load(tmp_path)


def count_trainings(monkeypatch):
    """Return a list to which each training adds its months, in place of training for long."""
    trained = []

    def train(version, months):
        trained.append(months)
        record = {"seed": "0", **champion.provenance(months)}
        return ModelPackage(version, DummyClassifier(), 0.5, months, record)

    monkeypatch.setattr(champion, "train", train)
    return trained


def test_the_champion_is_trained_once_and_again_if_it_is_not_whole(workspace, monkeypatch):
    trained = count_trainings(monkeypatch)
    assert champion.folder() == champion.folder()
    assert len(trained) == 1
    (champion.folder() / model_package.MODEL).unlink()
    champion.folder()
    assert len(trained) == 2

    about = champion.folder() / model_package.DESCRIPTION
    text = json.loads(about.read_text(encoding="utf-8"))
    text["record"]["data_version"] = "another"
    about.write_text(json.dumps(text), encoding="utf-8")
    champion.folder()
    assert len(trained) == 3


def test_a_release_is_built_from_months_that_are_over(workspace, monkeypatch):
    trained = count_trainings(monkeypatch)
    champion.built_before(6)
    champion.built_before(9, window=3)
    champion.built_before(4, window=3)
    assert champion.built_before(6).version == "1-4"
    assert trained == [(1, 2, 3, 4), (5, 6, 7), (1, 2)]


@pytest.mark.parametrize(("month", "window"), [(2, None), (13, None), (6, 0)])
def test_no_release_without_months_to_learn_from(workspace, month, window):
    with pytest.raises(CourseError, match="at least one month"):
        champion.built_before(month, window)


def test_serving_makes_the_features_that_training_makes(forecaster, july):
    """No skew (lesson 08): the request holds less than the table, and yet nothing differs."""
    training = features.make_features(july, data.load_weather(), data.load_planes())
    serving = forecaster.features(forecasts.as_flights(july))
    assert skew.share_differing(training, serving).max() == 0
    assert list(serving.columns) == features.FEATURES


def test_a_forecast_is_that_of_the_model_and_warns_from_the_threshold_on(forecaster, july):
    flights = forecasts.as_flights(july.head(300))
    examples = features.make_features(july.head(300), data.load_weather(), data.load_planes())
    expected = forecaster.package.model.predict_proba(examples)[:, 1]
    found = forecaster.forecast(flights)
    assert [forecast.probability for forecast in found] == list(expected)
    warned = [forecast.warn for forecast in found]
    assert warned == list(expected >= forecaster.package.threshold)
    assert 0 < sum(warned) < 300
    assert {forecast.release for forecast in found} == {"1"}
    assert [forecaster.forecast([flight])[0] for flight in flights[:5]] == found[:5]
    assert forecaster.forecast([]) == []


def test_a_flight_without_a_tail_number_is_forecast(forecaster):
    known, unknown = (
        Flight(**{**REQUEST, "tailnum": tailnum}) for tailnum in (REQUEST["tailnum"], None)
    )
    seats = forecaster.features([known, unknown])["seats"]
    assert seats.notna().tolist() == [True, False]
    assert len(forecaster.forecast([unknown])) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"carrier": "ZZ"}, "no carrier 'ZZ' flies from New York"),
        ({"carrier": None}, "valid string"),
        ({"dest": "XXX"}, "no flights from 'EWR' to 'XXX' are known"),
        ({"origin": "ORD"}, "none of New York"),
        ({"departure": "2013-07-01T17:30:00"}, "timezone"),
        ({"departure": "2014-01-01T00:00:00-05:00"}, "must be in 2013"),
        ({"departure": "2013-01-01T04:59:00Z"}, "must be in 2013"),  # still 2012 in New York
        ({"departure": "9999-12-31T23:59:59-12:00"}, "must be in 2013"),
        ({"departure": "0001-01-01T00:00:00+12:00"}, "must be in 2013"),
        ({"tailnum": "N123456"}, "at most 6 characters"),
        ({"arr_delay": 3}, "Extra inputs"),
    ],
)
def test_a_request_that_cannot_be_is_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        Flight(**{**REQUEST, **change})


# Hypothesis makes its tables of letters at first, which takes a busy machine seconds.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from([*REQUEST, "x"]), st.text() | st.integers() | st.none()))
def test_whatever_is_asked_is_a_flight_or_a_validation_error(changes):
    try:
        flight = Flight(**{**REQUEST, **changes})
    except ValidationError:
        return
    assert flight.departure.tzinfo is not None


def test_the_service_says_how_it_is_and_forecasts(package, forecaster):
    with Server([sys.executable, "-m", "mlops_school.service", str(package)]) as server:
        status, text = get(f"{server.address}/health")
        health = json.loads(text)
        assert (status, health["status"], health["release"]) == (200, "ready", "1")
        answers = load.by_clients(f"{server.address}/forecast", [REQUEST], clients=2, seconds=0.5)
        assert set(answers["status"]) == {200}
        bad = {**REQUEST, "carrier": "ZZ"}
        answers = load.at_rate(f"{server.address}/forecast", [bad], per_second=10, seconds=0.5)
        assert set(answers["status"]) == {422}


@contextmanager
def endpoint(answer):
    """Run a web server in this process; yield its address and how often it was asked."""
    port, loop, ready = free_port(), asyncio.new_event_loop(), threading.Event()
    asked = []

    async def handle(request):
        asked.append(await request.json())
        return await answer(len(asked))

    async def serve():
        app = web.Application()
        app.router.add_post("/", handle)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        ready.set()

    def run():
        loop.run_until_complete(serve())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    yield f"http://127.0.0.1:{port}/", asked
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


async def at_once(number):
    return web.Response()


def test_a_load_test_sends_all_requests_in_turn():
    bodies = [{"flight": 1}, {"flight": 2}]
    with endpoint(at_once) as (address, asked):
        answers = load.at_rate(address, bodies, per_second=50, seconds=0.2)
    assert len(asked) == len(answers) == 10
    assert sorted(body["flight"] for body in asked) == [1] * 5 + [2] * 5
    assert np.allclose(answers["due"], np.arange(10) / 50)
    assert (answers["seconds"] > 0).all()


def test_at_a_steady_rate_a_pause_makes_all_late_that_came_in_it():
    """Clients that wait for their answer send nothing in a pause, and so do not see it."""

    async def pause_once(number):
        if number == 5:
            import time

            time.sleep(0.5)  # the whole server stands still
        return web.Response()

    with endpoint(pause_once) as (address, _):
        steady = load.at_rate(address, [{}], per_second=50, seconds=1)
    with endpoint(pause_once) as (address, _):
        waiting = load.by_clients(address, [{}], clients=1, seconds=1)
    assert (steady["seconds"] > 0.1).sum() >= 10
    assert (waiting["seconds"] > 0.1).sum() == 1


def test_no_answer_is_a_failure_and_so_is_an_error_of_the_server(monkeypatch):
    monkeypatch.setattr(load, "TIMEOUT", 0.3)

    async def answer(number):
        if number == 1:
            await asyncio.sleep(2)
        return web.Response(status={2: 500, 3: 422}.get(number, 200))

    with endpoint(answer) as (address, _):
        answers = load.at_rate(address, [{}], per_second=20, seconds=0.25)
    assert sorted(answers["status"]) == [load.NO_ANSWER, 200, 200, 422, 500]
    assert load.summarise(answers)["failed"] == 2
    nobody = load.at_rate(f"http://127.0.0.1:{free_port()}", [{}], per_second=20, seconds=0.1)
    assert set(nobody["status"]) == {load.NO_ANSWER}


def test_a_summary_has_rates_and_percentiles():
    answers = pd.DataFrame({"due": range(100), "seconds": np.arange(1, 101) / 1000, "status": 200})
    found = load.summarise(answers)
    assert (found["requests"], found["failed"]) == (100, 0)
    assert found["per_second"] == pytest.approx(100 / 99.1)
    assert found[["p50", "p95", "p99"]].tolist() == pytest.approx([50.5, 95.05, 99.01])

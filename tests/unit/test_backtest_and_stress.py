"""The exam of a model, its tests of behaviour, and the guard of an overloaded service."""

import asyncio
import sys
from dataclasses import replace

import httpx
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from mlops_school import (
    backtest,
    calibration,
    champion,
    data,
    evaluation_views,
    load,
    overload,
    stress,
)
from mlops_school.evaluation import cost, without_model
from mlops_school.exploration import gap
from mlops_school.features import FEATURES, load_examples
from mlops_school.model_package import ModelPackage
from mlops_school.paths import COURSE
from mlops_school.process import load_requirements
from mlops_school.servers import Server
from mlops_school.testing import run_tests


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return champion.train().write(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="module")
def service(folder):
    """Return a service with the guard at its door, which lets two in."""
    with Server([sys.executable, "-m", "mlops_school.overload", str(folder), "2"]) as server:
        yield server.address


@pytest.fixture(scope="module")
def release(folder):
    return ModelPackage.load(folder)


@pytest.fixture(scope="module")
def summer(release):
    return backtest.forecast(release, [6, 7, 8])


def test_forecasts_are_those_of_the_examples(release, summer):
    examples = load_examples([6])
    june = summer[summer["month"] == 6]
    assert np.array_equal(june["late"], examples["late"])
    assert np.array_equal(
        june["probability"], release.model.predict_proba(examples[FEATURES])[:, 1]
    )
    assert (june["warned"] == (june["probability"] >= release.threshold)).all()


def test_a_destination_is_small_by_all_its_flights_of_the_month(summer):
    flights = data.load_flights([7])
    counts = flights["dest"].value_counts()
    july = summer[summer["month"] == 7]
    assert (july["small"] == (july["dest"].map(counts) < 100)).all()
    assert july["small"].nunique() == 2


def test_flights_without_a_verdict_are_those_without_an_arrival(summer):
    missing = backtest.without_verdict([6, 7])
    assert missing.to_dict() == {6: 1168, 7: 1132}
    assert (summer["month"] == 6).sum() + missing[6] == len(data.load_flights([6]))


def test_months_are_measured_one_by_one(summer):
    months = backtest.by_month(summer)
    july = summer[summer["month"] == 7]
    assert months.loc[7, "dollars"] == pytest.approx(cost(july["late"], july["warned"]) / len(july))
    assert ((months["low"] < months["roc_auc"]) & (months["roc_auc"] < months["high"])).all()
    assert months.loc[7, "never"] == pytest.approx(40 * july["late"].mean())


def test_R2_release_1_beats_no_model_in_its_first_month(summer):
    june = summer[summer["month"] == 6]
    assert june["dollars"].mean() < min(without_model(june["late"]).values())


def test_R3_release_1_ranks_as_promised_in_its_first_month(summer):
    june = summer[summer["month"] == 6]
    minimum = load_requirements()["R3"].limits["minimum_roc_auc"]
    assert roc_auc_score(june["late"], june["probability"]) >= minimum


def test_only_whole_spans_are_judged(summer):
    spans = backtest.small_gaps(summer)
    assert spans.index.tolist() == [6]
    late = summer[summer["late"]].assign(month=6)
    assert spans.equals(gap(late, "month", "small", "warned"))
    assert backtest.small_gaps(summer, together=2).index.tolist() == [6, 7]


def test_costs_of_flights_add_up_to_the_cost(summer):
    assert summer["dollars"].sum() == cost(summer["late"], summer["warned"])


# ---- tests of behaviour


def test_release_1_fails_one_test_of_behaviour_and_passes_those_of_integration(folder, service):
    report = run_tests(COURSE / "model_tests", MODEL_PACKAGE=str(folder), SERVICE=service)
    failed = report.index[report["outcome"] != "passed"].tolist()
    assert failed == ["test_worse_is_not_safer[heavier rain]"]
    assert len(report) == 13


class Damaged:
    """A model whose features come in the wrong order, as a careless join would have it."""

    def __init__(self, model, one, other):
        self.model, self.swap = model, {one: other, other: one}

    def predict_proba(self, table):
        return self.model.predict_proba(table.rename(columns=self.swap))


def test_tests_of_behaviour_catch_exchanged_features(release, monkeypatch):
    monkeypatch.syspath_prepend(str(COURSE / "model_tests"))
    import test_behaviour

    flights = load_examples([5]).sample(300, random_state=0)[FEATURES]
    damaged = Damaged(release.model, "minute_of_day", "distance")
    with pytest.raises(AssertionError):
        test_behaviour.test_worse_is_not_safer(
            lambda table: damaged.predict_proba(table[FEATURES])[:, 1],
            flights,
            "minute_of_day",
            [360, 720, 1140],
        )
    lazy = replace(release, threshold=0.99)
    with pytest.raises(AssertionError):
        test_behaviour.test_nearly_every_stormy_evening_gets_one(
            lazy, lambda table: release.model.predict_proba(table[FEATURES])[:, 1], flights
        )


# ---- load


def test_the_load_to_expect():
    flights, seats = stress.busiest_hour()
    hours = data.load_flights(columns=["time_hour"])["time_hour"]
    assert flights == hours.value_counts().max()
    assert 100 < seats < 180


def test_requests_are_flights_of_the_month():
    bodies = stress.requests_of(6, 5)
    assert len(bodies) == 5
    assert all(body["departure"].startswith("2013-06") for body in bodies)


def test_R5_what_is_late_refused_or_lost_is_not_in_time():
    answers = pd.DataFrame(
        {
            "due": 0.0,
            "seconds": [0.1, 0.2, 0.3, 0.01, 10.0],
            "status": [200, 422, 200, 503, load.NO_ANSWER],
        }
    )
    assert stress.in_time(answers) == 0.4
    assert not stress.is_met(answers)
    assert stress.is_met(answers.head(2))


async def ask_at_once(app, count, path="/forecast"):
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await asyncio.gather(*(client.get(path) for _ in range(count)))


def slow_app(fails=False):
    async def app(scope, receive, send):
        await asyncio.sleep(0.05)
        if fails:
            raise RuntimeError("made to fail")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return app


def test_the_guard_lets_in_so_many_and_tells_the_others_at_once():
    app = overload.Admission(slow_app(), limit=3)
    answers = asyncio.run(ask_at_once(app, 10))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [503] * 7
    refused = [answer for answer in answers if answer.status_code == 503]
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    again = asyncio.run(ask_at_once(app, 3))
    assert {answer.status_code for answer in again} == {200}


def test_health_is_answered_however_busy_it_is():
    app = overload.Admission(slow_app(), limit=1)
    answers = asyncio.run(ask_at_once(app, 5, "/health"))
    assert {answer.status_code for answer in answers} == {200}


def test_a_request_that_fails_leaves_its_place():
    app = overload.Admission(slow_app(fails=True), limit=1)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="made to fail"):
            asyncio.run(ask_at_once(app, 1))


def test_the_guarded_service_forecasts(service):
    bodies = stress.requests_of(6, 3)
    answers = load.by_clients(f"{service}/forecast", bodies, clients=1, seconds=0.2)
    assert set(answers["status"]) == {200}
    steps = stress.staircase(f"{service}/forecast", bodies, [5.0, 10.0], 0.3)
    assert steps.index.tolist() == [5.0, 10.0]
    _, alt = evaluation_views.draw_staircase(steps, 200)
    assert "10 requests a second" in alt


# ---- pictures: their text says what they show


def test_pictures_say_their_numbers(summer):
    months, spans = backtest.by_month(summer), backtest.small_gaps(summer)
    _, alt = evaluation_views.draw_months(months, 0.70)
    assert f"Jun: ROC AUC {months.loc[6, 'roc_auc']:.3f}" in alt
    _, alt = evaluation_views.draw_gaps(spans, ["not yet known"], 0.10)
    assert f"Jun to Aug: {spans.loc[6, 'gap']:.3f}" in alt
    assert alt.endswith("not yet known")
    curve = calibration.curve(summer["late"], summer["probability"])
    _, alt = evaluation_views.draw_calibration({"summer": curve})
    assert alt.startswith("summer: of 0.35 expected, 0.3")
    plt.close("all")


def test_the_picture_of_an_overload_tells_who_was_refused():
    answers = pd.DataFrame(
        {
            "due": [0.0, 0.1, 0.2],
            "seconds": [0.1, 0.01, 10.0],
            "status": [200, 503, load.NO_ANSWER],
        }
    )
    figure, alt = evaluation_views.draw_overload({"open": answers.head(1), "door": answers}, 200)
    assert alt == "open: 1 answered, 0 refused at once; door: 1 answered, 1 refused at once"
    labels = [text.get_text() for text in figure.axes[1].get_legend().get_texts()]
    assert labels == ["answered", "refused at once", "given up"]
    plt.close(figure)


def test_what_a_load_test_says_is_printed(capsys):
    good = pd.DataFrame({"due": [0.0, 0.1], "seconds": 0.05, "status": 200})
    late = good.assign(seconds=0.5)
    steps = pd.DataFrame({"p95": [50.0, 900.0], "R5": [True, False]}, index=[5.0, 50.0])
    stress.compare(3.6, good, good, steps)
    stress.compare_doors({"open": late, "door": good, "shut": good.assign(status=503)})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "expected: 3.6 requests a second; 3 times that: 100% of 2 in time, R5 met"
    assert lines[2] == "due at 50 a second: 95 percent within 900, R5 BROKEN"
    assert lines[3:] == [
        "open: 2 of 2 answered, R5 for these BROKEN",
        "door: 2 of 2 answered, R5 for these met",
        "shut: 0 of 2 answered, R5 for these BROKEN",
    ]

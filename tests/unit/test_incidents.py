import pytest

from mlops_school.features import load_examples
from mlops_school.incidents import State, make_incidents, swap_one_at_a_time
from mlops_school.mlops_loop import Service, train_service


@pytest.fixture(scope="module")
def service():
    return train_service([1, 2, 3, 4])


def test_swapping_takes_one_part_at_a_time(service):
    may = load_examples([5]).head(500)
    never = Service(service.model, 1.1)
    before = State(lambda flights: flights, may, service)
    costs = swap_one_at_a_time(before, State(lambda flights: flights, may, never))
    assert list(costs.index) == [
        "nothing (as before)",
        "the code",
        "the data",
        "the model",
        "all three (today)",
    ]
    assert costs["the code"] == costs["the data"] == costs["nothing (as before)"]
    assert costs["the model"] == costs["all three (today)"] != costs["the code"]


def test_each_incident_has_one_culprit_and_three_changes(service):
    before, incidents = make_incidents(service)
    culprits = {}
    for name, today in incidents.items():
        assert today.code is not before.code
        assert today.data is not before.data
        assert today.model is not before.model
        costs = swap_one_at_a_time(before, today)
        rise = (costs[["the code", "the data", "the model"]] - costs.iloc[0]).sort_values()
        assert rise.iloc[-1] > 0.4
        assert rise.iloc[:-1].abs().max() < 0.1
        culprits[name] = rise.index[-1]
    assert culprits == {"A": "the data", "B": "the code", "C": "the model"}

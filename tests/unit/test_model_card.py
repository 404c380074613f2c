"""What a model card says is what was found, and what was broken stays broken."""

import numpy as np
import pandas as pd

from mlops_school import gates, gates_views, model_card
from mlops_school.gates import Interval
from mlops_school.model_package import ModelPackage


def make_trial():
    """Return two months of ten flights: of each, four were late."""
    return pd.DataFrame(
        {
            "month": np.repeat([7, 8], 10),
            "late": np.tile([True] * 4 + [False] * 6, 2),
            "small": np.tile([True, False], 10),
        }
    )


def make_answers(trial, right):
    probability = np.where(trial["late"] == right, 0.9, 0.1)
    warned = probability >= 0.5
    dollars = np.where(trial["late"], 40 * ~warned, 10 * warned)
    return pd.DataFrame({"probability": probability, "warned": warned, "dollars": dollars})


def test_months_that_break_a_requirement_are_named():
    trial = make_trial()
    good, bad = make_answers(trial, True), make_answers(trial, False)
    mixed = pd.concat([good[:10], bad[10:]])
    first, second = model_card.measure_months(trial, mixed, bad, threshold=0.5)
    assert (first["R2"], first["R3"]) == ("met", "met")
    assert (second["R2"], second["R3"]) == ("BROKEN", "BROKEN")
    assert first["dollars per flight"] == "0.00"
    assert second["dollars per flight"] == first["champion"] == "22.00"
    assert first["without a model"] == "6.00"  # always: six of ten warnings are needless


def test_slices_count_late_flights_only():
    trial = make_trial()
    answers = make_answers(trial, True)
    answers.loc[trial["small"], "warned"] = False
    small, other = model_card.measure_slices(trial, answers)
    assert (small["late flights"], small["warned of"]) == ("4", "0%")
    assert (other["late flights"], other["warned of"]) == ("4", "100%")


def test_a_card_holds_the_record_and_the_report():
    trial = make_trial()
    answers = make_answers(trial, True)
    report = {
        "verdicts": [str(gates.slower(9))],
        "months": model_card.measure_months(trial, answers, answers, 0.5),
        "slices": model_card.measure_slices(trial, answers),
    }
    card = model_card.write(ModelPackage("7", None, 0.25, (1, 2), {"seed": "3"}), report)
    assert card.startswith("# Model card: delay forecast, release 7\n")
    for words in (
        "- seed: `3`",
        "months 1, 2;",
        "month\n3.",
        "| 7 | 10 | 0.00 |",
        "STOPPED slower",
    ):
        assert words in card, words


def test_intervals_are_drawn_and_told():
    intervals = {"a": Interval(0.2, 0.1, 0.3), "b": Interval(-0.01, -0.02, 0.0)}
    figure = gates_views.draw_intervals(intervals, 0.1, "Gap")
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert "a +0.20 [+0.10, +0.30]; b" in gates_views.describe(intervals, 0.1)

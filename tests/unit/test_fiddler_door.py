"""The door at which Fiddler's client is refused, and what the platform would have found."""

from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.request import Request

import numpy as np
import pandas as pd
import pytest

from mlops_school import fiddler_door
from mlops_school.servers import opener


def column(name, **facts):
    return SimpleNamespace(**{"name": name, "min": None, "max": None, "categories": None} | facts)


def test_violations():
    table = pd.DataFrame({"a": [-1, 0, 9, 10, np.nan], "b": ["x", "y", "x", None, "x"]})
    columns = [column("a", min=0, max=9), column("b", categories=["x"]), column("gone", min=0)]
    assert fiddler_door.violations(table, columns).to_dict() == {"a": 0.4, "b": 0.2}
    free = [column("a"), column("b")]
    assert fiddler_door.violations(table, free).to_dict() == {"a": 0, "b": 0}
    assert fiddler_door.violations(table.head(0), columns).to_dict() == {"a": 0, "b": 0}


def test_the_door_keeps_what_it_is_sent_and_lets_nobody_in():
    door = fiddler_door.Door()
    content = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\na,b\n1,2\n\r\n--x--\r\n'
    for method, body in [("POST", b'{"name": "delay"}'), ("PUT", content), ("GET", None)]:
        with pytest.raises(HTTPError) as refused:
            opener.open(Request(f"{door.address}/v3/models", body, method=method))
        assert refused.value.code == 401
        assert b"belongs to no account" in refused.value.read()
        refused.value.close()
    assert [(one.method, one.path) for one in door.sent] == [
        ("POST", "/v3/models"),
        ("PUT", "/v3/models"),
        ("GET", "/v3/models"),
    ]
    assert fiddler_door.body(door.sent[0]) == {"name": "delay"}
    assert fiddler_door.sent_columns(door.sent[1]) == ["a", "b"]
    door.stop()


def test_outcomes():
    assert fiddler_door.outcome(lambda: 1) == "taken"
    assert fiddler_door.outcome(lambda: 1 / 0) == "refused: ZeroDivisionError"


def test_a_table_in_words():
    table = pd.DataFrame({"static": {6: 0.5, 7: 0.257}})
    assert fiddler_door.in_words(table) == "static: 0.50 in 6, 0.26 in 7."

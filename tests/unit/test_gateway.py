"""The gateway sends each flight where its table says, and a change of the table loses nothing."""

import json
import sys
import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_school import load, servers, swaps
from mlops_school.errors import CourseError
from mlops_school.gateway import NO_RELEASE, Count, Gateway, Table, bucket
from mlops_school.servers import Server, get

# A release that is quick to start: it says who it is, and can be slow, wrong, or broken.
PROGRAM = """\
import json, os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path != "/health":
            time.sleep(float(os.environ.get("SLOW", "0.02")))
        status = int(os.environ.get("STATUS", "200")) if self.path != "/health" else 200
        said = {"release": os.environ["NAME"], "warn": "WARN" in os.environ,
                "got": body.decode(), "path": self.path}
        text = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
BODIES = [{"flight": number} for number in range(200)]


def release(name, **environment):
    return Server([sys.executable, "-c", PROGRAM], env={"NAME": name, **environment})


@pytest.fixture(scope="module")
def addresses():
    with release("a") as a, release("b", WARN="1") as b:
        yield {"a": a.address, "b": b.address}


@pytest.fixture(scope="module")
def one_gateway(addresses):
    with Gateway(releases=addresses, live="a") as gateway:
        yield gateway


@pytest.fixture
def gateway(one_gateway, addresses):
    one_gateway.route(releases=addresses, live="a", canary=None, share=0.0, shadow=None)
    return one_gateway


def send(gateway, seconds=0.5, rate=80):
    return load.at_rate(f"{gateway.address}/forecast", BODIES, rate, seconds)


def since(gateway, name, before=None):
    now = gateway.counts(name)
    return now.minus(before) if before else now


# ---- where requests go


def test_an_answer_comes_from_the_live_release_as_it_is(gateway):
    status, text = get(f"{gateway.address}/health?x=1")
    assert (status, json.loads(text)["release"]) == (200, "a")
    assert json.loads(text)["path"] == "/health?x=1"
    gateway.route(live="b")
    assert json.loads(get(f"{gateway.address}/health")[1])["release"] == "b"


def test_a_canary_gets_its_share_and_always_the_same_flights(gateway):
    gateway.route(canary="b", share=0.3)
    mine = sum(bucket(json.dumps(body).encode()) < 0.3 for body in BODIES[:40])
    assert 0 < mine < 40
    for _ in range(2):
        before = gateway.counts("a"), gateway.counts("b")
        send(gateway)
        assert since(gateway, "b", before[1]).answered == mine
        assert since(gateway, "a", before[0]).answered == 40 - mine


def test_a_larger_share_keeps_the_flights_that_it_had():
    addresses = {"a": "", "b": ""}
    bodies = [json.dumps(body).encode() for body in BODIES]
    chosen = [
        {body for body in bodies if Table(addresses, "a", "b", share).choose(body) == "b"}
        for share in (0, 0.1, 0.5, 1)
    ]
    assert not chosen[0]
    assert chosen[0] < chosen[1] < chosen[2] < chosen[3] == set(bodies)


def test_the_hash_spreads_flights_evenly():
    values = [bucket(uuid.uuid5(uuid.NAMESPACE_URL, str(n)).bytes) for n in range(2000)]
    assert 0 <= min(values) < 0.01
    assert 0.99 < max(values) < 1
    assert sum(values) / len(values) == pytest.approx(0.5, abs=0.03)


@given(st.dictionaries(st.text(), st.integers() | st.text()))
def test_the_same_flight_is_the_same_however_it_is_written(flight):
    turned = dict(reversed(flight.items()))
    assert bucket(json.dumps(flight).encode()) == bucket(json.dumps(turned, indent=3).encode())


@given(st.binary())
def test_any_bytes_have_a_bucket(body):
    assert 0 <= bucket(body) < 1


@pytest.mark.parametrize(
    ("table", "words"),
    [({"share": 1.5}, "from 0 to 1"), ({"live": "c"}, "no address"), ({"shadow": "c"}, "'c'")],
)
def test_a_table_that_cannot_be_is_refused_and_the_old_one_stays(gateway, table, words):
    with pytest.raises(CourseError, match=words):
        gateway.route(**table)
    assert gateway.table.live == "a"
    assert json.loads(get(f"{gateway.address}/x")[1])["release"] == "a"


# ---- a shadow


def test_a_shadow_is_compared_and_never_answers(gateway):
    gateway.route(shadow="b")
    before, alone = gateway.counts("b"), gateway.counts("a")
    answers = send(gateway, rate=40)
    wait_until(lambda: since(gateway, "b", before).compared == len(answers))
    assert since(gateway, "b", before).differ == len(answers)  # it warns, the live one does not
    assert since(gateway, "a", alone).warned == 0
    assert swaps.lost(answers) == 0


@pytest.mark.parametrize("fault", [{"SLOW": "1.5"}, {"STATUS": "500"}, None])
def test_clients_do_not_notice_what_is_wrong_with_a_shadow(gateway, addresses, fault):
    shadow = release("c", **fault) if fault else None
    dead = f"http://127.0.0.1:{servers.free_port()}"
    where = shadow.address if shadow else dead
    gateway.route(releases=addresses | {"c": where}, shadow="c")
    answers = send(gateway)
    assert set(answers["status"]) == {200}
    assert answers["seconds"].median() < 0.5
    if shadow:
        shadow.stop()


# ---- changing over


def test_R11_a_swap_under_load_loses_nothing(addresses):
    """Requirement R11, with real processes: start, route, drain, stop, four times over."""
    running = {"0": release("0", SLOW="0.15")}
    with Gateway(releases={"0": running["0"].address}, live="0") as gateway:

        def swap_four_times():
            for number in range(1, 5):
                old, new = str(number - 1), str(number)
                running[new] = release(new, SLOW="0.15")
                gateway.route(releases=where(running), live=new)
                assert gateway.counts(old).open  # it matters that these are waited for
                gateway.drain(old)
                running.pop(old).stop()

        answers = swaps.under_load(gateway, BODIES, swap_four_times, per_second=60, seconds=1)
        assert len(answers) > 60
        assert set(answers["status"]) == {200}
        assert gateway.counts("4").answered
    running["4"].stop()


@pytest.mark.parametrize("drained", [False, True])
def test_a_stop_without_a_drain_loses_what_is_not_answered(addresses, drained):
    old = release("old", SLOW="0.4")
    with Gateway(releases=addresses | {"old": old.address}, live="old") as gateway:

        def swap():
            gateway.route(live="a")
            if drained:
                gateway.drain("old")
            old.stop()

        answers = swaps.under_load(gateway, BODIES, swap, per_second=40, seconds=1)
    assert (swaps.lost(answers) == 0) == drained
    assert set(answers["status"]) <= {200, NO_RELEASE}


def test_a_drain_that_does_not_end_is_told(gateway, addresses):
    def drain():
        with pytest.raises(CourseError, match="still has requests"):
            gateway.drain("slow", seconds=0.3)

    with release("slow", SLOW="1") as slow:
        gateway.route(releases=addresses | {"slow": slow.address}, live="slow")
        swaps.under_load(gateway, BODIES, drain, per_second=40, seconds=0.5)


# ---- canaries


RULES = [swaps.breaks_a_promise, swaps.warns_otherwise(needed=10, margin=0.25)]


def test_a_canary_that_warns_otherwise_is_rolled_back(gateway):
    why = swaps.try_canary(gateway, "b", 0.4, RULES, BODIES, 10, per_second=40)
    assert "too often" in why
    assert gateway.table.canary is None


def test_a_canary_that_fails_is_rolled_back_at_once(gateway, addresses):
    with release("c", STATUS="500") as broken:
        gateway.route(releases=addresses | {"broken": broken.address})
        why = swaps.try_canary(gateway, "broken", 0.4, RULES, BODIES, 10)
    assert why.startswith("R6")
    assert gateway.table.canary is None
    assert gateway.counts("broken").failed < 10


def test_a_good_canary_stays(gateway, addresses):
    gateway.route(releases=addresses | {"c": addresses["a"]})
    assert swaps.try_canary(gateway, "c", 0.4, RULES, BODIES, 1.5, per_second=40) == ""
    assert gateway.table.canary == "c"


def test_the_rules_by_themselves():
    good = Count(answered=100, warned=50, slow=2)
    promise = swaps.breaks_a_promise
    assert promise(good, Count(answered=5, failed=1)).startswith("R6")
    assert promise(good, Count(answered=40, slow=30)).startswith("R5")
    assert promise(Count(answered=100, slow=90), Count(answered=40, slow=30)) == ""  # the machine
    assert promise(good, Count(answered=5, slow=5)) == ""  # too few to tell
    warns = swaps.warns_otherwise(10, 0.25)
    assert warns(good, Count(answered=9)) == ""
    assert "seldom" in warns(good, Count(answered=10))
    assert "often" in warns(good, Count(answered=10, warned=8))
    assert warns(good, Count(answered=10, warned=4)) == ""


def where(running):
    return {name: server.address for name, server in running.items()}


def wait_until(true, seconds=5):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)

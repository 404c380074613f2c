"""Score cards, leaderboards and certificates: what they say, and what they refuse."""

import codecs
import csv
import io
import json
import sys
import xml.etree.ElementTree as ElementTree
from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from mlops_school import (
    certificate,
    cli,
    leaderboard,
    production_year,
    progress,
    score_card,
    standing,
)
from mlops_school.errors import CourseError
from mlops_school.policies import Policy
from mlops_school.production_year import Flights, Said, Table

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def small_year(monkeypatch, workspace):
    """Let the year be one in which all days are equal, and each release costs as much."""
    days = np.ones(28)
    flights = {month: Flights(100 * days, 30 * days, 30 * days) for month in range(1, 13)}
    one = Said(50 * days, 30 * days, 400 * days, 400 * days, 0.7)
    said = {(f"1-{last}", month): one for last in range(1, 11) for month in range(last + 1, 13)}
    table = Table(flights, said)
    monkeypatch.setattr(production_year, "load_table", lambda: table)


NEVER = Policy("never", trigger="never")
MONTHLY = Policy("=monthly|<b>", window=None)


def card(player="Ada", policy=NEVER, seed=0):
    return score_card.make(policy, seed, player)


def put(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path


# ---- the score


def test_the_score_is_the_share_of_what_could_be_saved():
    done = production_year.replay(NEVER)
    bound = production_year.oracle()
    assert score_card.score(bound) == 100
    without = 10 * 28 * 100 * 0.7 * 10  # to warn of all is cheaper here than to warn of none
    saved = 100 * (without - done.total) / (without - bound.total)
    assert score_card.score(done) == pytest.approx(saved, abs=0.05)
    part = done.part(9, 12)
    assert score_card.score(part) == pytest.approx(100, abs=1)  # the oracle paid before, too


# ---- cards


def test_a_card_is_read_as_it_was_written(tmp_path):
    mine = card("Zoë ✈")
    json_path, svg_path = score_card.write(mine, tmp_path / "new")
    assert score_card.read(json_path) == mine
    page = ElementTree.parse(svg_path).getroot()
    assert "Zoë ✈" in page.find(f"{SVG}title").text
    assert f"{mine['total']:,} dollars" in page.find(f"{SVG}desc").text
    assert page.get("role") == "img"


def test_what_a_name_holds_stays_text(tmp_path):
    _, path = score_card.write(card("<script>&"), tmp_path)
    page = ElementTree.parse(path).getroot()
    assert not page.findall(f".//{SVG}script")
    assert any(element.text == "<script>&" for element in page.iter(f"{SVG}text"))


@pytest.mark.parametrize("name", ["", "  ", None, 7, "a\x00b", "x" * 61], ids=repr)
def test_a_name_that_cannot_be_printed_is_refused(name):
    with pytest.raises(CourseError, match="name"):
        card(name)


def edited(**changes):
    return card() | changes


def signed(**changes):
    """Return a card whose digest was made anew, as by somebody who knows how."""
    content = card() | changes
    return content | {"digest": score_card.digest(content)}


def test_another_version_of_the_course_that_plays_alike_is_as_good(tmp_path):
    other = signed(course="0.0.1")
    assert score_card.read(put(tmp_path, "card.json", other)) == other


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "no JSON"),
        ("[1]", "no score card"),
        ("[" * 90_000, "no JSON"),
        (" " * 100_001, "too large"),
        ({}, "look at kind"),
        (lambda: edited(seed="0"), "look at seed"),
        (lambda: edited(seed=True), "look at seed"),
        (lambda: edited(more=1), "names of its fields"),
        (lambda: edited(kind="other"), "no score card"),
        (lambda: signed(version=2), "version 2"),
        (lambda: edited(score=99.0), "edited"),
        (lambda: edited(player="Bob"), "edited"),
        (lambda: signed(table="other"), "another version"),
        (lambda: signed(score=99.0), "another value of score"),
        (lambda: signed(incidents=-1), "another value of incidents"),
        (lambda: signed(player=" Ada"), "another value of player"),
        (lambda: signed(policy={}), "these fields"),
        (lambda: signed(policy=NEVER.as_dict() | {"window": 0}), "window of 0"),
        (lambda: signed(seed=-1), "seed"),
    ],
)
def test_a_card_that_is_none_is_refused_with_the_reason(content, reason, tmp_path):
    path = put(tmp_path, "card.json", content() if callable(content) else content)
    with pytest.raises(CourseError, match=reason):
        score_card.read(path)


def test_a_mark_that_an_editor_has_put_before_it_changes_nothing(tmp_path):
    path = put(tmp_path, "card.json", "\ufeff" + json.dumps(card()))
    assert score_card.read(path) == card()


def test_a_card_that_is_not_there_or_no_text(tmp_path):
    with pytest.raises(CourseError, match="cannot be read"):
        score_card.read(tmp_path / "nowhere.json")
    (tmp_path / "card.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CourseError, match="no JSON"):
        score_card.read(tmp_path / "card.json")


# ---- the leaderboard


@pytest.fixture
def folder(tmp_path):
    """Return the cards of a class, among them some that do not count."""
    folder = tmp_path / "class"
    put(folder, "ada/score-card.json", card("Ada", MONTHLY))
    put(folder, "bob.json", card("Bob"))
    put(folder, "bob-again.json", card("bob", MONTHLY))
    put(folder, "copy.json", card("Bob"))
    put(folder, "cyn.json", card("Cyn", seed=1))
    put(folder, "damaged.json", "{")
    put(folder, "eve.json", edited(player="Eve"))
    put(folder, "notes.txt", "not looked at")
    return folder


def test_good_cards_count_and_others_are_refused_with_a_reason(folder):
    cards, refused = leaderboard.collect(folder)
    assert [(one["seed"], one["player"]) for one in cards] == [(0, "Bob"), (0, "Ada"), (1, "Cyn")]
    reasons = dict(refused)
    assert sorted(reasons) == ["bob-again.json", "copy.json", "damaged.json", "eve.json"]
    assert "better card, bob.json" in reasons["bob-again.json"]
    assert "same card as bob.json" in reasons["copy.json"]
    assert [row[:3] for row in leaderboard.rows(cards)] == [
        [0, 1, "Bob"],
        [0, 2, "Ada"],
        [1, 1, "Cyn"],
    ]


def test_equal_scores_share_a_rank(tmp_path):
    for player in ("Ada", "Bob"):
        put(tmp_path, f"{player}.json", card(player))
    put(tmp_path, "c.json", card("Cyn", MONTHLY))
    cards, _ = leaderboard.collect(tmp_path)
    assert [row[1] for row in leaderboard.rows(cards)] == [1, 1, 3]


def test_names_do_no_harm_in_any_format(folder):
    cards, _ = leaderboard.collect(folder)
    ada = leaderboard.to_markdown(cards).splitlines()[3]
    assert ada.startswith(r"| 0 | 2 | Ada | =monthly\|&lt;b&gt; | ")
    mark, text = leaderboard.to_csv(cards)[0], leaderboard.to_csv(cards)[1:]
    assert mark.encode() == codecs.BOM_UTF8  # or Excel spoils the names
    table = list(csv.reader(io.StringIO(text)))
    assert table[0] == leaderboard.COLUMNS
    assert table[2][3] == "'=monthly|<b>"
    page = ElementTree.fromstring(leaderboard.to_html(cards))
    assert [cell.text for cell in page.findall(".//td")][10] == "=monthly|<b>"
    assert len(page.findall(".//th[@scope='col']")) == len(leaderboard.COLUMNS)


def test_letters_of_all_languages_reach_the_page(tmp_path):
    put(tmp_path, "card.json", card("Zoë ✈"))
    page = leaderboard.to_html(leaderboard.collect(tmp_path)[0])
    assert page.isascii()
    assert ElementTree.fromstring(page).findall(".//td")[2].text == "Zoë ✈"


def test_folders_without_cards_are_one_sentence(tmp_path):
    with pytest.raises(CourseError, match="no folder"):
        leaderboard.collect(tmp_path / "nowhere")
    with pytest.raises(CourseError, match="no score card"):
        leaderboard.collect(tmp_path)


@pytest.mark.parametrize("kind", leaderboard.FORMATS)
def test_the_command_prints_the_table_and_the_refusals_apart(kind, folder, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "reconfigure", lambda **_: None, raising=False)
    assert cli.main(["leaderboard", str(folder), "--format", kind]) == 0
    printed = capsys.readouterr()
    assert printed.out == leaderboard.render(leaderboard.collect(folder)[0], kind)
    assert printed.err.count("Refused") == 4


# ---- the certificate


@pytest.fixture
def course(monkeypatch):
    """Let the course have two lessons, with an exercise and a question each."""
    names = {"00_one": "00 · One", "01_two": "01 · Two & more"}
    lessons = [SimpleNamespace(id=id_, name=name) for id_, name in names.items()]
    monkeypatch.setattr(standing, "load_manifest", lambda: lessons)
    monkeypatch.setattr(standing, "_tasks", lambda id_: (frozenset({"q1"}), frozenset({"quiz1"})))


def solve(*tasks):
    for lesson, task in tasks:
        progress.record(lesson, task, outcome="correct")


ALL = [(lesson, task) for lesson in ("00_one", "01_two") for task in ("q1", "quiz1")]


def test_what_is_missing_is_listed(course, workspace):
    solve(*ALL[:3])
    with pytest.raises(CourseError, match=r"open in 01 · Two & more\. "):
        certificate.issue("Ada")
    assert not (workspace / certificate.FILE).exists()


def test_what_is_complete_is_certified(course):
    solve(*ALL, ("77_gone", "q1"))
    path = certificate.issue("Ada <Lovelace>", on=date(2027, 3, 9))
    page = ElementTree.parse(path).getroot()
    words = [element.text for element in page.iter(f"{SVG}text")]
    assert {"Ada <Lovelace>", "has completed", "01 · Two & more", "09 March 2027"} <= set(words)
    assert "00 · One, 01 · Two & more" in page.find(f"{SVG}desc").text


def test_a_statement_names_only_what_is_complete(course):
    with pytest.raises(CourseError, match="No lesson is completed"):
        certificate.statement("Ada")
    solve(*ALL[:3])
    progress.record("01_two", "quiz1", outcome="not yet")
    text = certificate.statement("Ada").read_text(encoding="utf-8")
    assert "00 · One" in text
    assert "Two" not in text


def test_the_command_makes_a_certificate(course, capsys):
    assert cli.main(["certificate", "Ada"]) == 1
    assert "open in 00 · One, 01 · Two & more. " in capsys.readouterr().err
    solve(*ALL[:2])
    assert cli.main(["certificate", "Ada", "--statement"]) == 0
    assert certificate.FILE in capsys.readouterr().out

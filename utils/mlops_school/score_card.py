"""The score of a policy, and a card of it to share.

A card holds the policy and the seed, so that everyone can replay it and find the same numbers. Its
digest tells of a slip of the hand; it proves nothing about who wrote the card.
"""

import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mlops_school import files, svg
from mlops_school import production_year as year
from mlops_school.errors import CourseError
from mlops_school.policies import Policy
from mlops_school.production_year import Table, Year

KIND, VERSION = "mlops-school score card", 1
_RULES = ("never", "always")
LARGEST = 100_000  # bytes of a card; a real one has about 1000
_FIELDS = {
    "kind": str,
    "version": int,
    "course": str,
    "table": str,
    "player": str,
    "seed": int,
    "policy": dict,
    "mistakes": int,
    "compute": int,
    "incidents": int,
    "total": int,
    "score": float,
    "digest": str,
}


def score(done: Year, table: Table | None = None) -> float:
    """Return how much of what could be saved was saved, in percent.

    0 is the cheaper of the two services without a model, warning of no flight or of every flight;
    100 is the oracle. A policy that costs more than no model has a score below 0.
    """
    without = min(sum(getattr(month, rule) for month in done.months) for rule in _RULES)
    best = year.oracle(table).part(done.months[0].month, done.months[-1].month).total
    return round(100 * (without - done.total) / (without - best), 1)


@cache
def table_digest() -> str:
    """Return the beginning of the hash of the table that years are replayed on."""
    names = ("flights.parquet", "days.parquet")
    both = "".join(files.sha256(year.FOLDER / name) for name in names)
    return hashlib.sha256(both.encode()).hexdigest()[:12]


def digest(card: dict[str, Any]) -> str:
    """Return the hash of all that a card says."""
    rest = {name: value for name, value in card.items() if name != "digest"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def make(policy: Policy, seed: int, player: str) -> dict[str, Any]:
    """Replay a policy, and return its card.

    Parameters
    ----------
    policy : Policy
        What was done.
    seed : int
        Of the faults.
    player : str
        Who is to stand on it.

    Raises
    ------
    CourseError
        If the policy cannot be followed, or the name cannot be printed.
    """
    done = year.replay(policy, seed)
    card = {
        "kind": KIND,
        "version": VERSION,
        "course": version("mlops-school"),
        "table": table_digest(),
        "player": svg.clean_name(player),
        "seed": seed,
        "policy": policy.as_dict(),
        "mistakes": round(done.mistakes),
        "compute": done.compute,
        "incidents": done.incidents,
        "total": round(done.total),
        "score": score(done),
    }
    return card | {"digest": digest(card)}


def write(card: dict[str, Any], folder: Path) -> list[Path]:
    """Write a card as ``score-card.json`` and, to look at, as ``score-card.svg``.

    Raises
    ------
    CourseError
        If the folder cannot be written to.
    """
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    return [
        svg.write(folder / "score-card.json", text),
        svg.write(folder / "score-card.svg", draw(card)),
    ]


def draw(card: dict[str, Any]) -> str:
    """Return a card as SVG."""
    policy = card["policy"]
    facts = [
        f"Mistakes {card['mistakes']:,} dollars, compute {card['compute']:,} dollars",
        f"Incidents: {card['incidents']}. With these and calls, {card['total']:,} dollars",
        f"Policy {policy['name']}: trigger {policy['trigger']}, seed {card['seed']}",
    ]
    title = f"Score card of {card['player']}: {card['score']}"
    body = [
        svg.text(300, 50, "NS AI School: a year in production", 20, "bold"),
        svg.text(300, 92, card["player"], 24),
        svg.text(300, 160, card["score"], 56, "bold"),
        svg.text(300, 186, "0 = without a model, 100 = one who knows the future", 13),
        *(svg.text(300, 222 + 26 * row, fact, 15) for row, fact in enumerate(facts)),
        svg.text(300, 306, f"course {card['course']}, digest {card['digest'][:12]}", 12),
    ]
    return svg.page(600, 325, title, f"{title}. {'. '.join(facts)}.", body)


def read(path: Path) -> dict[str, Any]:
    """Return a card, if it is whole, and the replay of its policy gives what it says.

    Raises
    ------
    CourseError
        If not, with the reason.
    """
    card = _parse(path)
    wrong = [
        name
        for name, kind in _FIELDS.items()
        if type(card.get(name)) not in ({kind, int} if kind is float else {kind})
    ]
    if wrong or set(card) != set(_FIELDS) or card["kind"] != KIND:
        raise CourseError(
            f"it is no score card: look at {', '.join(wrong) or 'the names of its fields'}."
        )
    if card["version"] != VERSION:
        raise CourseError(f"it has version {card['version']} of score cards, not {VERSION}.")
    if digest(card) != card["digest"]:
        raise CourseError("it was edited after it was made: its digest does not fit.")
    if card["table"] != table_digest():
        raise CourseError("it was made with another version of the course.")
    again = make(Policy.from_dict(card["policy"]), card["seed"], card["player"])
    again |= {name: card[name] for name in ("course", "digest")}  # of a version that played alike
    if differ := [name for name in _FIELDS if again[name] != card[name]]:
        raise CourseError(f"a replay of its policy gives another value of {differ[0]}.")
    return card


def _parse(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST:
            raise CourseError("it is too large for a score card.")
        card = json.loads(path.read_text(encoding="utf-8-sig"))  # some editors add a mark
    except OSError as error:
        raise CourseError(f"it cannot be read ({error.strerror or error}).") from None
    except (ValueError, RecursionError):
        raise CourseError("it is no JSON in UTF-8.") from None
    if not isinstance(card, dict):
        raise CourseError("it is no score card.")
    return card

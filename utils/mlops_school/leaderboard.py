"""The score cards of a class, merged into one table."""

import csv
import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlops_school import score_card
from mlops_school.errors import CourseError

COLUMNS = ["seed", "rank", "player", "policy", "score", "total", "incidents"]
FORMATS = ("markdown", "csv", "html")


def collect(folder: Path) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """Read all score cards of a folder, and of the folders in it.

    Returns
    -------
    cards : list of dict
        The best card of each player for each seed, the best one first.
    refused : list of (str, str)
        The files that do not count, and why.

    Raises
    ------
    CourseError
        If there is no such folder, or no file of JSON in it.
    """
    if not folder.is_dir():
        raise CourseError(f"There is no folder {folder}. Give the one that holds the score cards.")
    paths = sorted(path for path in folder.rglob("*.json") if path.is_file())
    if not paths:
        raise CourseError(
            f"There is no score card in {folder}: no file whose name ends in .json. Put the "
            "score-card.json of each player there, in a folder for each or under other names."
        )
    best: dict[tuple[str, int], tuple[dict[str, Any], str]] = {}
    refused, seen = [], {}
    for path in paths:
        name = path.relative_to(folder).as_posix()
        try:
            card = score_card.read(path)
        except CourseError as error:
            refused.append((name, str(error)))
            continue
        if card["digest"] in seen:
            refused.append((name, f"it is the same card as {seen[card['digest']]}."))
            continue
        seen[card["digest"]] = name
        who = (card["player"].casefold(), card["seed"])
        if who not in best:
            best[who] = (card, name)
            continue
        worse, better = sorted([best[who], (card, name)], key=lambda one: one[0]["score"])
        best[who] = better
        refused.append((worse[1], f"{card['player']} has a better card, {better[1]}."))
    cards = [card for card, _ in best.values()]
    cards.sort(key=lambda card: (card["seed"], -card["score"], card["player"].casefold()))
    return cards, sorted(refused)


def rows(cards: Sequence[dict[str, Any]]) -> list[list[Any]]:
    """Return a row of ``COLUMNS`` for each card. Years with other faults have ranks of their own.

    Whoever has the same score has the same rank.
    """
    found = []
    for card in cards:
        better = sum(
            other["score"] > card["score"] for other in cards if other["seed"] == card["seed"]
        )
        facts = {"rank": better + 1, **card, "policy": card["policy"]["name"]}
        found.append([facts[name] for name in COLUMNS])
    return found


def to_markdown(cards: Sequence[dict[str, Any]]) -> str:
    """Return the leaderboard as a table of Markdown."""
    lines = [COLUMNS, ["---"] * len(COLUMNS), *rows(cards)]
    return "".join("| " + " | ".join(_plain(value) for value in line) + " |\n" for line in lines)


def _plain(value: Any) -> str:
    """Return a value so that Markdown takes no character of it for its own."""
    escaped = html.escape(str(value), quote=False)
    return "".join(f"\\{letter}" if letter in r"\|`*_[]#" else letter for letter in escaped)


def to_csv(cards: Sequence[dict[str, Any]]) -> str:
    """Return the leaderboard as CSV; what a spreadsheet would take for a formula gets a quote.

    It begins with the mark by which Excel knows UTF-8.
    """
    text = io.StringIO()
    text.write("\ufeff")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows(cards):
        writer.writerow(
            f"'{value}" if isinstance(value, str) and value[:1] in "=+-@" else value
            for value in row
        )
    return text.getvalue()


def to_html(cards: Sequence[dict[str, Any]]) -> str:
    """Return the leaderboard as a table of HTML.

    All of it is ASCII: some shells spoil other letters on their way into a file.
    """
    head = "".join(f'<th scope="col">{name}</th>' for name in COLUMNS)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(value))}</td>" for value in row) + "</tr>\n"
        for row in rows(cards)
    )
    table = (
        "<table>\n<caption>Score cards: a year in production</caption>\n"
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"
    )
    return table.encode("ascii", "xmlcharrefreplace").decode("ascii")


def render(cards: Sequence[dict[str, Any]], format_: str) -> str:
    """Return the leaderboard in one of ``FORMATS``."""
    return {"markdown": to_markdown, "csv": to_csv, "html": to_html}[format_](cards)

"""Sequence diagrams that are drawn from text.

A line such as ``browser -> service: departure`` is a message from one part to another. Text can be
compared, searched and kept under version control; a drawing cannot.
"""

import re
import textwrap
from typing import NamedTuple

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from mlops_school import plots
from mlops_school.errors import CourseError

_LINE = re.compile(r"(?P<sender>\S[^:]*?)\s*->\s*(?P<receiver>\S[^:]*?)\s*:\s*(?P<text>.+)")
_LETTERS_PER_COLUMN = 18  # of a message, before it is wrapped


class Message(NamedTuple):
    """One arrow of a diagram."""

    sender: str
    receiver: str
    text: str


def parse(text: str) -> list[Message]:
    """Return the messages of a diagram, in order.

    Raises
    ------
    CourseError
        If a line cannot be read, with its number.
    """
    messages = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not (line := line.strip()):
            continue
        match = _LINE.fullmatch(line)
        if not match or match["sender"] == match["receiver"]:
            raise CourseError(
                f"Line {number} of the diagram, `{line}`, is not of the form "
                "`one part -> another part: message`."
            )
        messages.append(Message(**match.groupdict()))
    if not messages:
        raise CourseError("The diagram has no line `one part -> another part: message`.")
    return messages


def parts(messages: list[Message]) -> list[str]:
    """Return the parts in the order in which they come up."""
    return list(dict.fromkeys(part for message in messages for part in message[:2]))


def draw(text: str, title: str = "") -> Figure:
    """Draw a diagram: a column for each part, time runs downwards.

    Parameters
    ----------
    text : str
        A message a line.
    title : str
        What it shows.

    Raises
    ------
    CourseError
        If a line cannot be read.
    """
    messages = parse(text)
    columns = {part: place for place, part in enumerate(parts(messages))}
    bottom = -len(messages) - 0.4
    figure, axes = plt.subplots(figsize=(8, 1 + 0.5 * len(messages)))
    for part, place in columns.items():
        axes.plot([place, place], [0, bottom], color=plots.GREY, linewidth=1, zorder=1)
        box = {"boxstyle": "round", "facecolor": "white", "edgecolor": plots.BLUE, "linewidth": 2}
        axes.text(place, 0, part, ha="center", va="center", weight="bold", bbox=box)
    for row, message in enumerate(messages, start=1):
        start, end = columns[message.sender], columns[message.receiver]
        arrow = {"arrowstyle": "-|>", "color": plots.BLUE, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", xy=(end, -row), xytext=(start, -row), arrowprops=arrow, zorder=2)
        words = textwrap.fill(message.text, _LETTERS_PER_COLUMN * abs(end - start))
        free = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # of the lines behind it
        middle = (start + end) / 2
        axes.text(middle, 0.1 - row, words, ha="center", va="bottom", fontsize=9, bbox=free)
    axes.set(title=title, xlim=(-0.6, len(columns) - 0.4), ylim=(bottom, 0.5))
    axes.axis("off")
    return figure


def show(text: str, title: str = "") -> None:
    """Draw a diagram in the notebook; its messages are its text alternative."""
    words = "; ".join(f"{m.sender} to {m.receiver}: {m.text}" for m in parse(text))
    plots.show(draw(text, title), f"{title}. {words}.")

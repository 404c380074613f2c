"""How often the flights of each hour were late: the model of the delay service."""

import json
from datetime import datetime
from pathlib import Path

MODEL = json.loads(Path(__file__).with_name("model.json").read_text(encoding="utf-8"))
FLIGHTS = {int(hour): flights for hour, flights in MODEL["flights"].items()}
LATE = {int(hour): late for hour, late in MODEL["late"].items()}


def hour_of(departure: str) -> int:
    """Return the hour of a time such as 17:05."""
    return datetime.strptime(departure, "%H:%M").hour


def share_late(hour: int) -> float:
    """Return which share of the flights of an hour was late."""
    return LATE[hour] / FLIGHTS[hour]

"""Series of numbers over time, as Prometheus keeps them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

LOOKBACK = 300.0  # seconds for which a sample stays the newest one
NAME = "__name__"

Labels = tuple[tuple[str, str], ...]  # sorted pairs of name and value
Vector = dict[Labels, float]
Samples = list[tuple[float, float]]  # pairs of time and value
Chosen = Callable[[Mapping[str, str]], bool]


def labels_of(labels: Mapping[str, str]) -> Labels:
    """Return labels in the form in which they identify a series; an empty one is none."""
    return tuple(sorted((name, value) for name, value in labels.items() if value))


@dataclass
class Series:
    """Series in memory: what was scraped, and when.

    Attributes
    ----------
    samples : dict
        By labels, the name among them: pairs of a time in seconds and a value, in order of time.
        The value None says that from then on the series is no longer there.
    """

    samples: dict[Labels, list[tuple[float, float | None]]] = field(default_factory=dict)

    def add(self, labels: Mapping[str, str], time: float, value: float | None) -> None:
        """Add a sample. Those of a series come in order of time."""
        self.samples.setdefault(labels_of(labels), []).append((time, value))

    def last(self, chosen: Chosen, time: float) -> Vector:
        """Return the newest sample of each chosen series, if it is new enough."""
        found: Vector = {}
        for labels, samples in self._matching(chosen):
            seen = [sample for sample in samples if time - LOOKBACK < sample[0] <= time]
            if seen and seen[-1][1] is not None:
                found[labels] = seen[-1][1]
        return found

    def window(self, chosen: Chosen, start: float, end: float) -> dict[Labels, Samples]:
        """Return the samples of each chosen series between two times."""
        return {
            labels: [
                (at, value) for at, value in samples if start <= at <= end and value is not None
            ]
            for labels, samples in self._matching(chosen)
        }

    def _matching(
        self, chosen: Chosen
    ) -> Iterable[tuple[Labels, list[tuple[float, float | None]]]]:
        return ((key, samples) for key, samples in self.samples.items() if chosen(dict(key)))

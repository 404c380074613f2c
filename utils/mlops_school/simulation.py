"""Waterfall and Agile as a discrete-event simulation of one project.

Both ways of working get the same stories, misunderstandings and change requests, and the same
team. A story takes four stages of work: requirements, design, build, test. Waterfall does one stage
of all stories, then the next; Agile does all stages of one story, then of the next. Every
difference in the results follows from that order, and from when users are asked.

Assumptions
-----------
- The team works on one thing at a time, `capacity` person-days in a week, as in a queue with one
  server. Stories do not depend on one another.
- Change requests are a Poisson process during the weeks that the plain work was planned to take;
  later ones belong to the next version. Each alters one story, any of them with equal chance. How
  many are realistic depends on the product [6]_.
- The team hears of a change request at its next gate: the end of a phase, or the next sprint
  planning. What is done on that story by then has to be done again.
- Some stories are misunderstood from the beginning. That is found only when users have seen the
  story (Waterfall: at acceptance; Agile: after the sprint that finished it) and `feedback_delay`
  weeks have passed. Done again, it is right.
- Doing work again costs more the more of the product stands: a factor that grows from 1 to
  ``1 + ripple``. With the share of each stage, a story of which only the requirements are written
  costs a small part of what it costs when it is finished. Boehm [2]_ gives a ratio of 4 to 6 for
  small projects, and up to 100 for large ones; Menzies et al. [3]_ find no such effect in 171
  projects, so `ripple` is a setting and not a constant.
- At the end of each phase there is a hand-over, and around each sprint planning, review and
  release. Both take a fixed effort.
- Agile takes next what has the most value for the effort that is left.
- In Waterfall users see the product once, at the end, in the plain form that Royce [1]_ drew in
  order to warn of it; he proposed to do it twice. Agile has feedback after each short iteration, as
  in Extreme Programming [4]_.

References
----------
.. [1] W. W. Royce, "Managing the development of large software systems", Proc. IEEE WESCON, 1970.
.. [2] B. W. Boehm, Software Engineering Economics, Prentice Hall, 1981, pp. 39-41.
.. [3] T. Menzies, W. Nichols, F. Shull, L. Layman, "Are delayed issues harder to resolve?
   Revisiting cost-to-fix of defects throughout the lifecycle", Empirical Software Engineering
   22, 2017, pp. 1903-1935.
.. [4] K. Beck, "Embracing change with extreme programming", Computer 32(10), 1999, pp. 70-77.
.. [5] J. D. C. Little, "A proof for the queuing formula: L = λW", Operations Research 9, 1961,
   pp. 383-387.
.. [6] B. W. Boehm, "One-size-fits-all methods: the wrong solution to new problems",
   Communications of the ACM, October 2006.
"""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
import simpy
from numpy.typing import ArrayLike

from mlops_school.errors import CourseError

STAGES = ("requirements", "design", "build", "test")
SHARES = (0.2, 0.2, 0.4, 0.2)  # of a story's effort
STORIES = 60
EFFORTS = (2, 3, 5)  # person-days of a small, a medium and a large story, as many of each
VALUES = (1, 2, 3, 5, 8, 13)  # points
REQUIREMENTS = ("R1", "R2", "R3", "R4")  # what the stories are about, in turn
PLANNED_EFFORT = STORIES * sum(EFFORTS) / len(EFFORTS)

_TINY = 1e-9  # person-days; below it, nothing is left but rounding


@dataclass(frozen=True)
class Conditions:
    """What a project meets.

    Attributes
    ----------
    change_rate : float
        Change requests per week.
    misunderstood : float
        The share of stories that are built wrong at first.
    feedback_delay : float
        Weeks from the moment that users get something until the team hears from them.
    sprint_length : float
        Weeks.
    sprint_overhead : float
        Person-days for planning, review and release of each sprint.
    handover : float
        Person-days at the end of each Waterfall phase, and for each release after acceptance.
    ripple : float
        How much dearer work done again is when the whole product stands than at the beginning.
    capacity : float
        Person-days that the team has in a week.
    deadline : float
        The week in which the result is judged.

    Raises
    ------
    CourseError
        If a sprint would leave no time for work, or a number makes no sense.
    """

    change_rate: float = 1.0
    misunderstood: float = 0.1
    feedback_delay: float = 1.0
    sprint_length: float = 2.0
    sprint_overhead: float = 5.0
    handover: float = 5.0
    ripple: float = 0.5
    capacity: float = 20.0
    deadline: float = 13.0

    def __post_init__(self) -> None:
        for setting in fields(self):
            if not 0 <= getattr(self, setting.name) < np.inf:
                raise CourseError(f"{setting.name} must be a number from 0 up.")
        if self.misunderstood > 1:
            raise CourseError("misunderstood is a share: give a number from 0 to 1.")
        if not self.capacity:
            raise CourseError("A team without capacity delivers nothing: give it some.")
        sprint_effort = self.sprint_length * self.capacity
        if self.sprint_overhead >= sprint_effort:
            raise CourseError(
                f"A sprint of {self.sprint_length:g} weeks has {sprint_effort:g} person-days, and "
                f"its overhead takes {self.sprint_overhead:g}: no time is left for work. "
                "Make the sprint longer or its overhead smaller."
            )

    @property
    def planned_weeks(self) -> float:
        """Weeks that the plain work takes, without overhead and rework."""
        return PLANNED_EFFORT / self.capacity


@dataclass(frozen=True)
class Story:
    """One thing to build.

    Attributes
    ----------
    name : str
        The requirement that it serves, and a number.
    effort : int
        Person-days, all stages together.
    value : int
        Points that it is worth to the users, once it is in their hands and right.
    misunderstood : bool
        Whether it is built wrong at first.
    """

    name: str
    effort: int
    value: int
    misunderstood: bool


class Request(NamedTuple):
    """Somebody wants a story to be another one: when they said so, which, and why."""

    week: float
    story: int
    cause: str


class Comeback(NamedTuple):
    """A story that came back to the team: when it was asked for, when heard, and what it costs.

    `phase` is the one that the project is in; Agile has no phases.
    """

    asked: float
    heard: float
    story: int
    cause: str
    rework: float
    phase: str | None


class Work(NamedTuple):
    """A piece of effort without interruption; `kind` is new, rework or overhead."""

    begin: float
    end: float
    effort: float
    kind: str
    story: int | None
    stage: str | None


class Judgement(NamedTuple):
    """From this week on, a story does, or does not, do what users want."""

    week: float
    story: int
    right: bool


@dataclass(frozen=True)
class Project:
    """What both ways of working are given.

    Attributes
    ----------
    stories : tuple of Story
        The backlog.
    changes : tuple of Request
        The change requests, in order of time.
    """

    stories: tuple[Story, ...]
    changes: tuple[Request, ...]


def draw_project(conditions: Conditions, seed: int) -> Project:
    """Return the project that a seed stands for.

    Each kind of luck has random numbers of its own. So a project with the same seed and more
    change requests has the same stories, with the same misunderstandings.
    """
    sizes, values, errors, gaps, targets = np.random.default_rng(seed).spawn(5)
    stories = tuple(
        Story(f"{REQUIREMENTS[n % len(REQUIREMENTS)]}-{n + 1:02}", effort, value, wrong)
        for n, (effort, value, wrong) in enumerate(
            zip(
                sizes.permutation(np.repeat(EFFORTS, STORIES // len(EFFORTS))).tolist(),
                values.choice(VALUES, STORIES).tolist(),
                (errors.random(STORIES) < conditions.misunderstood).tolist(),
                strict=True,
            )
        )
    )
    expected = conditions.change_rate * conditions.planned_weeks
    enough = int(expected + 10 * np.sqrt(expected) + 20)
    arrivals = np.cumsum(gaps.exponential(size=enough))
    arrivals = arrivals[arrivals < expected] / max(conditions.change_rate, _TINY)
    changed = targets.integers(STORIES, size=enough)
    changes = zip(arrivals.tolist(), changed.tolist(), strict=False)
    return Project(stories, tuple(Request(week, story, "change") for week, story in changes))


def waterfall(conditions: Conditions, seed: int) -> "Run":
    """Return how the project with this seed goes with Waterfall."""
    return _Simulation("Waterfall", conditions, seed).run()


def agile(conditions: Conditions, seed: int) -> "Run":
    """Return how the project with this seed goes with Agile."""
    return _Simulation("Agile", conditions, seed).run()


WAYS = {"Waterfall": waterfall, "Agile": agile}


def repeat(way: str, conditions: Conditions, seeds: Iterable[int]) -> list["Run"]:
    """Return how projects with these seeds go with Waterfall, or with Agile."""
    return [WAYS[way](conditions, seed) for seed in seeds]


@dataclass
class _Item:
    """Where a story stands. Its effort is split, by stage, into new, built and void."""

    index: int
    story: Story
    misunderstood: bool  # and nobody knows yet
    new: list[float]
    built: list[float] = field(default_factory=lambda: [0.0] * len(STAGES))
    void: list[float] = field(default_factory=lambda: [0.0] * len(STAGES))  # to be done again
    factor: float = 1.0  # what doing again a person-day costs
    wanted: int = 0  # versions count the changes that users asked for
    known: int = 0
    with_users: int | None = None  # -1: misunderstood
    right: bool = False
    complaint: bool = False  # users have seen that it is wrong, and will say so

    @property
    def debt(self) -> float:
        return sum(self.void) * self.factor

    @property
    def left(self) -> float:
        return sum(self.new) + self.debt


class _Simulation:
    """One project in one way of working: customers, users and the team are SimPy processes."""

    def __init__(self, way: str, conditions: Conditions, seed: int) -> None:
        self.way = way
        self.conditions = conditions
        self.project = draw_project(conditions, seed)
        self.items = [
            _Item(index, story, story.misunderstood, [share * story.effort for share in SHARES])
            for index, story in enumerate(self.project.stories)
        ]
        self.env = simpy.Environment()
        self.inbox: list[Request] = []
        self.news = self.env.event()
        self.awaited = len(self.project.changes)  # requests that are still to come
        self.new_done = 0.0
        self.phase: str | None = None
        self.work: list[Work] = []
        self.comebacks: list[Comeback] = []
        self.judgements: list[Judgement] = []
        self.releases: list[tuple[float, int]] = []

    def run(self) -> "Run":
        self.env.process(self._customers())
        team = self._waterfall() if self.way == "Waterfall" else self._agile()
        self.env.run(until=self.env.process(team))
        return Run(
            self.way,
            self.conditions,
            self.project,
            tuple(self.work),
            tuple(self.comebacks),
            tuple(self.judgements),
            tuple(self.releases),
        )

    # ---- the three processes

    def _customers(self) -> Generator:
        """Change their minds."""
        for request in self.project.changes:
            yield self.env.timeout(request.week - self.env.now)
            item = self.items[request.story]
            item.wanted += 1
            self._judge(item)
            self._tell(request)

    def _user(self, item: _Item) -> Generator:
        """Find, after a while, that a story is not what was meant."""
        if self.conditions.feedback_delay:
            yield self.env.timeout(self.conditions.feedback_delay)
        self._tell(Request(self.env.now, item.index, "misunderstanding"))

    def _waterfall(self) -> Generator:
        """Do a stage of all stories, hear what has changed, hand over; at the end, release."""
        for number, stage in enumerate(STAGES):
            self.phase = stage
            for item in self.items:
                yield from self._work_on(item, [number])
            for item in self._hear():
                yield from self._work_on(item, range(number + 1))
            yield from self._overhead(self.conditions.handover)
        self.phase = "acceptance"
        self._release(self.items)
        while self.awaited or self.inbox:
            if not self.inbox:
                yield self.news
            came_back = self._hear()
            for item in came_back:
                yield from self._work_on(item, range(len(STAGES)))
            yield from self._overhead(self.conditions.handover)
            self._release(came_back)

    def _agile(self) -> Generator:
        """Plan a sprint, finish what is worth most, release it, hear from users; and again."""
        half = self.conditions.sprint_overhead / 2
        while True:
            self._hear()
            backlog = [item for item in self.items if item.left > _TINY]
            if not backlog:
                if not self.awaited:
                    return
                yield self.news
                continue
            end = self.env.now + self.conditions.sprint_length - half / self.conditions.capacity
            yield from self._overhead(half)
            finished = []
            for item in sorted(backlog, key=lambda item: -item.story.value / item.left):
                yield from self._work_on(item, range(len(STAGES)), end)
                if item.left > _TINY:
                    break
                finished.append(item)
            yield from self._overhead(half)
            self._release(finished)
            yield self.env.timeout(0)  # who speaks up at once is heard in the next planning

    # ---- what they do

    def _tell(self, request: Request) -> None:
        self.awaited -= 1
        self.inbox.append(request)
        self.news.succeed()
        self.news = self.env.event()

    def _hear(self) -> list[_Item]:
        """Take note of all requests; return the stories that came back."""
        requests, self.inbox = self.inbox, []
        came_back = {}
        for request in requests:
            item = came_back[request.story] = self.items[request.story]
            owed = item.debt
            item.factor = 1 + self.conditions.ripple * self.new_done / PLANNED_EFFORT
            item.void = [void + built for void, built in zip(item.void, item.built, strict=True)]
            item.built = [0.0] * len(STAGES)
            item.known = item.wanted
            if request.cause == "misunderstanding":
                item.misunderstood = False
            self.comebacks.append(
                Comeback(
                    request.week,
                    self.env.now,
                    request.story,
                    request.cause,
                    item.debt - owed,
                    self.phase,
                )
            )
        return list(came_back.values())

    def _work_on(self, item: _Item, stages: Iterable[int], until: float = np.inf) -> Generator:
        """Do what is left of these stages of a story, first the part that is done again."""
        for stage in stages:
            for kind, left, factor in (("rework", item.void, item.factor), ("new", item.new, 1)):
                if not left[stage]:
                    continue
                needed = left[stage] * factor
                effort = min(needed, (until - self.env.now) * self.conditions.capacity)
                if effort <= _TINY:
                    return
                yield from self._spend(effort, kind, item.index, STAGES[stage])
                done = left[stage] if needed - effort <= _TINY else effort / factor
                left[stage] -= done
                item.built[stage] += done
                if kind == "new":
                    self.new_done += done

    def _overhead(self, effort: float) -> Generator:
        if effort:
            yield from self._spend(effort, "overhead", None, None)

    def _spend(self, effort: float, kind: str, story: int | None, stage: str | None) -> Generator:
        begin = self.env.now
        yield self.env.timeout(effort / self.conditions.capacity)
        self.work.append(Work(begin, self.env.now, effort, kind, story, stage))

    def _release(self, items: Sequence[_Item]) -> None:
        """Give stories to the users."""
        for item in items:
            item.with_users = -1 if item.misunderstood else item.known
            self.releases.append((self.env.now, item.index))
            self._judge(item)
            if item.misunderstood and not item.complaint:
                item.complaint = True
                self.awaited += 1
                self.env.process(self._user(item))

    def _judge(self, item: _Item) -> None:
        """Note when users begin, or cease, to have the story that they want."""
        right = item.with_users == item.wanted
        if right != item.right:
            item.right = right
            self.judgements.append(Judgement(self.env.now, item.index, right))


@dataclass(frozen=True)
class Run:
    """How a project went.

    Attributes
    ----------
    way : str
        Waterfall or Agile.
    conditions : Conditions
        What it met.
    project : Project
        What it was given.
    work : tuple of Work
        What the team did, in order of time.
    comebacks : tuple of Comeback
        Changes and misunderstandings that the team heard of.
    judgements : tuple of Judgement
        When stories became right, or wrong, in the hands of users.
    releases : tuple of (float, int)
        Week and story of everything that users were given.
    """

    way: str
    conditions: Conditions
    project: Project
    work: tuple[Work, ...]
    comebacks: tuple[Comeback, ...]
    judgements: tuple[Judgement, ...]
    releases: tuple[tuple[float, int], ...]

    @property
    def delivered(self) -> float:
        """The week in which users had everything, as they want it."""
        return self.judgements[-1].week

    def effort(self, *kinds: str) -> float:
        """Return the person-days spent on new, rework or overhead; without a kind, on all."""
        return sum(piece.effort for piece in self.work if not kinds or piece.kind in kinds)

    def value_at(self, weeks: ArrayLike) -> np.ndarray:
        """Return the percent of all value that users have at these weeks."""
        stories = self.project.stories
        steps = [stories[j.story].value * (1 if j.right else -1) for j in self.judgements]
        total = sum(story.value for story in stories)
        return 100 * _sum_until(weeks, [j.week for j in self.judgements], steps) / total

    def satisfied_at(self, weeks: ArrayLike) -> np.ndarray:
        """Return the percent of stories that are with users and right at these weeks."""
        steps = [1 if j.right else -1 for j in self.judgements]
        return 100 * _sum_until(weeks, [j.week for j in self.judgements], steps) / STORIES

    def left_at(self, weeks: ArrayLike) -> np.ndarray:
        """Return the burndown: person-days of work that the team knows of, and has not done.

        Overhead is not in it: it does not bring the end nearer.
        """
        heard = _sum_until(
            weeks, [back.heard for back in self.comebacks], [back.rework for back in self.comebacks]
        )
        pieces = [piece for piece in self.work if piece.kind != "overhead"]
        begins = np.array([piece.begin for piece in pieces])
        ends = np.array([piece.end for piece in pieces])
        shares = np.clip((np.atleast_1d(weeks)[:, None] - begins) / (ends - begins), 0, 1)
        done = shares @ np.array([piece.effort for piece in pieces])
        return np.round(PLANNED_EFFORT + heard - done, 6)

    @cached_property
    def passage(self) -> pd.DataFrame:
        """For each story the weeks when it was begun, built for the first time, and released."""
        begun: dict[int, float] = {}
        built: dict[int, float] = {}
        for piece in self.work:
            if piece.kind == "new":
                begun.setdefault(piece.story, piece.begin)
                built[piece.story] = piece.end
        released: dict[int, float] = {}
        for week, story in self.releases:
            released.setdefault(story, week)
        table = pd.DataFrame({"begun": begun, "built": built, "released": released}).sort_index()
        return table.set_axis([story.name for story in self.project.stories])

    def flow_at(self, weeks: ArrayLike) -> pd.DataFrame:
        """Return the cumulative flow: how many stories have been begun, built and released.

        Little's law [5]_ holds on it.
        """
        counts = {
            step: np.searchsorted(np.sort(self.passage[step]), weeks, side="right")
            for step in self.passage
        }
        return pd.DataFrame(counts, index=pd.Index(weeks, name="week"))


def _sum_until(weeks: ArrayLike, times: Sequence[float], steps: Sequence[float]) -> np.ndarray:
    """Return, for each of these weeks, the sum of the steps until then."""
    sums = np.concatenate([[0.0], np.cumsum(steps)])
    return sums[np.searchsorted(times, weeks, side="right")]

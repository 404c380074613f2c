"""The command ``school``: everything that the Makefile offers, on every system."""

import argparse
import sys
from pathlib import Path

from mlops_school.errors import CourseError


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status.

    Parameters
    ----------
    arguments : list of str, optional
        The words after ``school``; by default those of the command line.
    """
    options = _parser().parse_args(arguments)
    options.words = sys.argv[1:] if arguments is None else arguments
    try:
        return options.run(options) or 0
    except CourseError as error:
        print(f"school: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:  # the tools of authors are not installed for learners
        print(
            f"school: this command needs {error.name}, which is not installed. "
            "In the folder of the course, run `make test` or `uv sync` first.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="school", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    learn = commands.add_parser("learn", help="open JupyterLab on the start page")
    learn.set_defaults(run=_learn)

    lab = commands.add_parser("lab", help="list the tool labs, or open one in JupyterLab")
    lab.add_argument("name", nargs="?", metavar="NAME", help="e.g. feast; without one, the list")
    lab.set_defaults(run=_lab)

    progress = commands.add_parser("progress", help="show, export or import your progress")
    progress.set_defaults(run=_progress)
    transfer = progress.add_mutually_exclusive_group()
    transfer.add_argument("--export", metavar="FILE", type=Path, help="write progress to FILE")
    transfer.add_argument("--import", metavar="FILE", type=Path, dest="import_", help="add FILE's")

    certificate = commands.add_parser("certificate", help="make a page of what you completed")
    certificate.add_argument("name", metavar="NAME", help="who is to stand on it")
    certificate.add_argument(
        "--statement", action="store_true", help="of what is done so far, if that is not all"
    )
    certificate.set_defaults(run=_certificate)

    leaderboard = commands.add_parser("leaderboard", help="merge the score cards of a folder")
    leaderboard.add_argument("folder", metavar="FOLDER", type=Path, help="with score-card.json's")
    leaderboard.add_argument(
        "--format", choices=("markdown", "csv", "html"), default="markdown", help="of the table"
    )
    leaderboard.set_defaults(run=_leaderboard)

    mlflow = commands.add_parser("mlflow", help="serve MLflow's pages on your recorded runs")
    mlflow.set_defaults(run=_mlflow)

    hub = commands.add_parser("hub", help="try a JupyterHub for a class on this computer")
    hub.set_defaults(run=_hub)

    rollback = commands.add_parser("rollback", help="put the release before back into service")
    rollback.set_defaults(run=_rollback)

    _add_grade(commands.add_parser("grade", help="for teachers: release, collect, grade, report"))

    run = commands.add_parser("run", help="execute the solved lessons from first to last")
    run.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="e.g. 09_building or the lab feast; default: all lessons",
    )
    run.add_argument("--fast", action="store_true", help="with the manifest's fast parameters")
    run.set_defaults(run=_run)

    build = commands.add_parser("build", help="build and execute the learner notebooks")
    build.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="e.g. 09_building or the lab feast; default: all lessons",
    )
    build.add_argument("--check", action="store_true", help="only report notebooks out of date")
    build.set_defaults(run=_build)

    new = commands.add_parser("new", help="begin a new lesson at the end of the course")
    new.add_argument("id", metavar="ID", help="e.g. 17_airlines")
    new.add_argument("title", metavar="TITLE", help='e.g. "Late flights by airline"')
    new.add_argument("--phase", default="Maintenance", help="its phase; default: %(default)s")
    new.add_argument("--minutes", type=int, default=60, help="for a learner; default: %(default)s")
    new.set_defaults(run=_new)

    check = commands.add_parser("check", help="check the manifest, lessons, exercises and quizzes")
    check.set_defaults(run=_check)

    slides = commands.add_parser("slides", help="make slides of the lessons, for a browser")
    slides.add_argument(
        "names", nargs="*", metavar="NAME", help="e.g. 09_building; default: all lessons"
    )
    slides.set_defaults(run=_slides)

    site = commands.add_parser("site", help="build the course's web site from its notebooks")
    site.set_defaults(run=_site)

    bench = commands.add_parser("bench", help="measure time and memory of every lesson")
    bench.set_defaults(run=_bench)
    return parser


def _add_grade(grade: argparse.ArgumentParser) -> None:
    """Add the commands of a teacher who grades, each of them for one lesson."""
    grade.set_defaults(run=_grade)
    steps = grade.add_subparsers(required=True, metavar="STEP", dest="step")

    def step(name: str, help: str) -> argparse.ArgumentParser:
        parser = steps.add_parser(name, help=help)
        parser.add_argument("lesson", metavar="LESSON", help="e.g. 03_waterfall_agile")
        parser.add_argument(
            "--classroom", metavar="FOLDER", type=Path, help="default: workspace/classroom"
        )
        return parser

    release = step("release", "make the notebook that learners get")
    release.add_argument("--to", metavar="FOLDER", type=Path, help="copy it there")
    release.add_argument(
        "--due", metavar="TIME", help="e.g. 2026-12-01T18:00; later is marked late"
    )
    release.add_argument("--exchange", action="store_true", help="also give it to a hub's learners")

    collect = step("collect", "take what learners have handed in")
    source = collect.add_mutually_exclusive_group(required=True)
    source.add_argument("source", nargs="?", metavar="FOLDER", type=Path, help="or a zip file")
    source.add_argument("--exchange", action="store_true", help="from the exchange of a hub")

    autograde = step("autograde", "execute and judge it, apart from everything")
    autograde.add_argument("learners", nargs="*", metavar="LEARNER", help="default: all")
    autograde.add_argument("--again", action="store_true", help="also what was graded before")
    autograde.add_argument("--cell-seconds", type=float, metavar="N", help="for a cell (60)")
    autograde.add_argument("--seconds", type=float, metavar="N", help="for a notebook (300)")

    step("report", "write the table of points, and feedback for each learner")


# A command imports what it needs when it runs: `school learn` must not wait for pandas, and a
# learner's environment has none of the authoring tools.


def _learn(options: argparse.Namespace) -> int:
    from mlops_school import launch

    return launch.learn()


def _lab(options: argparse.Namespace) -> int:
    from mlops_school import labs
    from mlops_school.manifest import find_lab

    if options.name:
        return labs.start(find_lab(options.name))
    print(labs.listing())
    return 0


def _mlflow(options: argparse.Namespace) -> int:
    from mlops_school import launch

    return launch.browse_runs()


def _hub(options: argparse.Namespace) -> None:
    from mlops_school import hub

    hub.start()


def _rollback(options: argparse.Namespace) -> int:
    from mlops_school import rollback

    release = rollback.back()
    print(f"Release {release} is the champion again. Services take it within two seconds.")
    return 0


def _progress(options: argparse.Namespace) -> int:
    from mlops_school import overview, progress

    if options.export:
        progress.export(options.export)
    elif options.import_:
        progress.import_(options.import_)
    print(overview.summary().to_string())
    return 0


def _certificate(options: argparse.Namespace) -> int:
    from mlops_school import certificate

    make = certificate.statement if options.statement else certificate.issue
    print(f"Written to {make(options.name)}. Open it in a browser to print it.")
    return 0


def _leaderboard(options: argparse.Namespace) -> int:
    """Print the table; what is refused goes elsewhere, so that the table can be sent to a file."""
    from mlops_school import leaderboard

    cards, refused = leaderboard.collect(options.folder)
    sys.stdout.reconfigure(encoding="utf-8")  # the names are people's, whatever the console is
    print(leaderboard.render(cards, options.format), end="")
    for name, reason in refused:
        print(f"Refused {name}: {reason}", file=sys.stderr)
    return 0


def _grade(options: argparse.Namespace) -> int:
    from mlops_school.grading import commands
    from mlops_school.manifest import find_lessons

    (lesson,) = find_lessons([options.lesson])
    if (status := commands.run_in_environment(options.words[1:])) is not None:
        return status
    sys.stdout.reconfigure(encoding="utf-8")  # the names are people's, whatever the console is
    classroom = commands.classroom_in(options.classroom)
    match options.step:
        case "release":
            due = commands.parse_due(options.due) if options.due else None
            commands.release(classroom, lesson, options.to, due, options.exchange)
        case "collect":
            commands.collect(classroom, lesson, options.source)
        case "autograde":
            limits = commands.limits_of(options.cell_seconds, options.seconds)
            commands.autograde(classroom, lesson, options.learners, limits, options.again)
        case "report":
            commands.report(classroom, lesson)
    return 0


def _run(options: argparse.Namespace) -> int:
    from mlops_school.authoring import execute
    from mlops_school.manifest import find_units

    execute.run(find_units(options.names), fast=options.fast)
    return 0


def _build(options: argparse.Namespace) -> int:
    from mlops_school.authoring import build
    from mlops_school.manifest import find_units, load_labs

    units = find_units(options.names)
    if options.check:
        return _report(build.drift(units if options.names else [*units, *load_labs()]))
    return build.build(units)


def _new(options: argparse.Namespace) -> int:
    from mlops_school.authoring import new_lesson
    from mlops_school.paths import ROOT

    for file in new_lesson.create(options.id, options.title, options.phase, options.minutes):
        print(file.relative_to(ROOT).as_posix())
    return 0


def _check(options: argparse.Namespace) -> int:
    from mlops_school.authoring import check

    return _report(check.problems())


def _slides(options: argparse.Namespace) -> int:
    from mlops_school.authoring import slides
    from mlops_school.manifest import find_lessons

    print(f"Written. Open {slides.make(find_lessons(options.names))} in a browser.")
    return 0


def _site(options: argparse.Namespace) -> int:
    from mlops_school.authoring import site

    site.build()
    print(f"Written to {site.SITE}. Open index.html there in a browser.")
    return 0


def _bench(options: argparse.Namespace) -> int:
    from mlops_school.authoring import bench

    return bench.bench()


def _report(problems: list[str]) -> int:
    """Print one line for each problem; the exit status is 1 if there is any."""
    for problem in problems:
        print(problem)
    return 1 if problems else 0

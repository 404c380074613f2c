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

    rollback = commands.add_parser("rollback", help="put the release before back into service")
    rollback.set_defaults(run=_rollback)

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

    check = commands.add_parser("check", help="check the manifest, lessons, exercises and quizzes")
    check.set_defaults(run=_check)

    site = commands.add_parser("site", help="build the course's web site from its notebooks")
    site.set_defaults(run=_site)

    bench = commands.add_parser("bench", help="measure time and memory of every lesson")
    bench.set_defaults(run=_bench)
    return parser


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


def _check(options: argparse.Namespace) -> int:
    from mlops_school.authoring import check

    return _report(check.problems())


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

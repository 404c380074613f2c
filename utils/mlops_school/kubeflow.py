"""Kubeflow Pipelines on this computer: what a compiled pipeline says, and what a run has done."""

import io
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pandas as pd
import skops.io
import yaml
from sklearn.metrics import roc_auc_score

from mlops_school.errors import CourseError
from mlops_school.features import FEATURES, TARGET
from mlops_school.training import TRUSTED_TYPES

_STARTED = re.compile(r"Executing task \S*?'([\w-]+)'")
_LOG_LINES = 20  # of a run that failed


def outline(compiled: Path) -> str:
    """Return the steps of a compiled pipeline, a line each, and what each one waits for.

    What stands behind a condition is indented below it.
    """
    described = yaml.safe_load(compiled.read_text(encoding="utf-8"))
    return "\n".join(_lines(described["root"]["dag"]["tasks"], described["components"], ""))


def _lines(tasks: Mapping[str, Any], components: Mapping[str, Any], margin: str) -> Iterator[str]:
    for name in sorted(tasks, key=lambda name: (len(_before(name, tasks)), name)):
        task = tasks[name]
        after = sorted(task.get("dependentTasks", ()))
        yield f"{margin}{name}" + (f" after {', '.join(after)}" if after else "")
        if condition := task.get("triggerPolicy", {}).get("condition"):
            yield f"{margin}    only if {' '.join(condition.split())}"
        inner = components[task["componentRef"]["name"]].get("dag")
        if inner:
            yield from _lines(inner["tasks"], components, margin + "    ")


def _before(name: str, tasks: Mapping[str, Any]) -> set[str]:
    """Return all tasks that must be done before one, in whatever number of steps."""
    nearest = set(tasks[name].get("dependentTasks", ()))
    return nearest.union(*(_before(task, tasks) for task in nearest))


def run(pipeline: Callable[..., Any], **arguments: Any) -> list[str]:
    """Run a pipeline here, and return the steps that were executed, in alphabetical order.

    A step whose result was in the cache is not executed. ``kfp.local.init`` comes before.

    Raises
    ------
    CourseError
        If a step fails, with the end of the log.
    """
    log = io.StringIO()
    level = logging.root.level
    try:
        with redirect_stdout(log), redirect_stderr(log):
            pipeline(**arguments)
    except RuntimeError as error:
        lines = log.getvalue().splitlines()[-_LOG_LINES:]
        raise CourseError("\n".join([f"The run has failed: {error}", *lines])) from None
    finally:
        logging.root.setLevel(level)  # kfp changes it
    return sorted(_STARTED.findall(re.sub(r"\x1b\[\d+m", "", log.getvalue())))


def roc_auc(model: str, examples: str) -> float:
    """Return the ROC AUC of a model in a file of skops, on examples in a Parquet file."""
    table = pd.read_parquet(examples)
    fitted = skops.io.load(model, trusted=TRUSTED_TYPES)
    return float(roc_auc_score(table[TARGET], fitted.predict_proba(table[FEATURES])[:, 1]))

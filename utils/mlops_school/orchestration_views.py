"""A run of a DAG as a picture: a box for each task, with its state, and an arrow for each order."""

import matplotlib.pyplot as plt

from mlops_school import plots
from mlops_school.orchestration import Run, depths

# State, in the words of Airflow: colour and line of the box. The word stands in it, too.
_BOXES = {
    "success": (plots.GREEN, "-"),
    "skipped": (plots.GREY, ":"),
    "failed": (plots.RED, "--"),
    "upstream_failed": (plots.ORANGE, "-."),
}
_OTHER = (plots.BLACK, "-")


def show_run(run: Run, title: str) -> None:
    """Draw a run from left to right."""
    tasks = list(run.tasks.index)
    depth = depths(tasks, run.arrows)
    columns = [[task for task in tasks if depth[task] == step] for step in range(len(tasks))]
    columns = [column for column in columns if column]
    places = {
        task: (step, (len(column) - 1) / 2 - row)
        for step, column in enumerate(columns)
        for row, task in enumerate(column)
    }
    height = max(map(len, columns))
    figure, axes = plt.subplots(figsize=(9, 1 + 0.9 * height))
    for start, end in run.arrows:
        lost = "skipped" in (run.tasks["state"][start], run.tasks["state"][end])
        style = {"arrowstyle": "-|>", "color": plots.GREY if lost else plots.BLACK}
        style |= {"shrinkA": 38, "shrinkB": 38, "linestyle": ":" if lost else "-"}
        if depth[end] - depth[start] > 1:  # past the tasks in between
            style["connectionstyle"] = "arc3,rad=0.3"
        axes.annotate("", xy=places[end], xytext=places[start], arrowprops=style)
    for task, (across, up) in places.items():
        state = run.tasks["state"][task]
        colour, line = _BOXES.get(state, _OTHER)
        box = {"boxstyle": "round", "facecolor": "white", "edgecolor": colour, "linewidth": 2}
        words = f"{task.replace('_', ' ')}\n({state})"
        middle = {"ha": "center", "va": "center", "fontsize": 9}
        axes.text(across, up, words, bbox=box | {"linestyle": line}, **middle)
    axes.set(title=title, xlim=(-0.5, len(columns) - 0.5), ylim=(-height / 2, height / 2))
    axes.axis("off")
    says = "; ".join(f"{task} ({state})" for task, state in run.tasks["state"].items())
    ways = ", ".join(f"{start} to {end}" for start, end in run.arrows)
    plots.show(figure, f"{title}. The run: {run.state}. Tasks: {says}. Arrows: {ways}.")

"""Grading with nbgrader: from the notebook of a lesson to a table of points.

A submission is code of somebody else, so grading it has three steps in processes of their own:

1. The learner's code runs, shut in (:mod:`.sandbox`), and leaves its answers (:mod:`.runner`).
2. The lesson runs once more, solved, without any learner's code. Where it checks an exercise,
   the answers of all learners are judged, as far as they are plain data (:mod:`.judge`).
3. An answer that is code itself, such as a function, is judged in the learner's sandbox.

nbgrader keeps the points and writes the feedback (:mod:`.classroom`).
"""

from mlops_school.environments import Environment
from mlops_school.paths import ROOT

ENVIRONMENT = Environment(
    title="The classroom",
    folder=ROOT / ".labs" / "classroom",
    group="classroom",
    download_mb=36,
    disk_mb=200,  # 100 of packages, and what Python makes of those that are used
)

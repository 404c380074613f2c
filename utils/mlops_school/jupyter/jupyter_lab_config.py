"""What JupyterLab opens first; the rest of its settings is beside this file."""

from mlops_school import start_page
from mlops_school.paths import ROOT

page = start_page.to_open().relative_to(ROOT).as_posix()
get_config().LabApp.default_url = f"/lab/tree/{page}"  # noqa: F821  (Jupyter gives it)

"""The server of each learner: for The Littlest JupyterHub, and for the hub of `school hub`."""
# ruff: noqa: F821

from pathlib import Path

c = get_config()
course = Path(__file__).resolve().parents[2]  # this file may be a link

c.Spawner.cmd = [str(course / "course" / "hub" / "start"), "jupyterhub-singleuser"]
c.Spawner.default_url = "/lab/tree/mlops-school/notebooks/00_start_here.ipynb"
# A whole class starts in the same minute, and a server under load takes its time.
c.Spawner.start_timeout = 600
c.Spawner.http_timeout = 600

# Of The Littlest JupyterHub only: the environment of the course comes first, and what a learner
# keeps in /tmp is not there for others.
c.SystemdSpawner.extra_paths = [str(course / ".venv" / "bin")]
c.SystemdSpawner.isolate_tmp = True

"""A hub on this computer, for trying: `school hub` starts it, and says where it is.

It limits nobody and keeps nobody from another's files: all servers run as one user of the system.
"""
# ruff: noqa: F821

import os
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
folder = Path(os.environ["SCHOOL_HUB_FOLDER"])  # what the hub and its learners keep
port, hub_port, proxy_port = os.environ["SCHOOL_HUB_PORTS"].split()

c = get_config()
load_subconfig(str(here / "learners.py"))

# Everything listens on this computer alone.
c.JupyterHub.bind_url = f"http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{hub_port}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{proxy_port}"
proxy = ["node", "--require", str(here / "end_with_parent.cjs"), os.environ["SCHOOL_HUB_PROXY"]]
c.ConfigurableHTTPProxy.command = proxy
c.ConfigurableHTTPProxy.pid_file = str(folder / "proxy.pid")
c.JupyterHub.db_url = f"sqlite:///{folder / 'hub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(folder / "cookie_secret")

# Any name, and one password, which is new each time.
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = os.environ.pop("SCHOOL_HUB_PASSWORD")
c.Authenticator.allow_all = True

# Each name has a home folder. A server ends with the hub, even if that is killed.
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = str(folder / "homes" / "{username}")
c.Spawner.cmd = [c.Spawner.cmd[0], sys.executable, "-m", "mlops_school.hub_server"]

"""A learner's server of the hub on this computer. It ends with the hub, even if that is killed."""

import os
import shutil
import signal
import threading
import time


def end_with(parent: int) -> None:
    """Ask this process to end, with its kernels, when its parent has ended."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Serve until asked to end, and leave nothing in the folder for temporary files."""
    threading.Thread(target=end_with, args=[os.getppid()], daemon=True).start()
    from jupyterhub.singleuser import main as serve

    try:
        serve()
    finally:
        shutil.rmtree(os.environ["JUPYTER_RUNTIME_DIR"], ignore_errors=True)


if __name__ == "__main__":
    main()

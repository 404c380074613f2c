"""A learner's server of the hub on this computer. It ends with the hub, even if that is killed."""

import os
import signal
import threading
import time


def end_with(parent: int) -> None:
    """Ask this process to end, with its kernels, when its parent has ended."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Serve until asked to end."""
    threading.Thread(target=end_with, args=[os.getppid()], daemon=True).start()
    from jupyterhub.singleuser import main as serve

    serve()


if __name__ == "__main__":
    main()

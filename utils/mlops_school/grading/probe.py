"""Try to do harm, and print what succeeded: started inside a sandbox, to see whether it holds."""

import json
import os
import socket
import sys
from pathlib import Path


def main(targets: dict) -> list[str]:
    """Return what is not protected, in words."""
    found = []
    for folder in targets["folders"]:
        try:
            name = Path(folder) / f".probe-{os.getpid()}"
            name.touch()
            name.unlink()
        except OSError:
            continue
        if folder != targets["hidden"]:  # there it has an empty folder of its own
            found.append(f"{folder} can be written to")
    try:
        if any(Path(targets["hidden"]).iterdir()):
            found.append(f"{targets['hidden']} can be read")
    except OSError:
        pass
    try:
        socket.create_connection(("127.0.0.1", targets["port"]), timeout=2).close()
        found.append("the network can be reached")
    except OSError:
        pass
    Path("own.txt").write_text("its own folder is there", encoding="utf-8")
    return found


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))

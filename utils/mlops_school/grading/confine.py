"""Shut this process in, then become another program. Linux only; it needs nothing but Python.

``unshare`` has given it namespaces of its own. Here it makes every disk read-only but its own
folder, hides what it must not see, and gives up the rights with which it did so.

    unshare ... python confine.py FOLDER HIDDEN:HIDDEN:... PROGRAM ARGUMENT ...
"""

import ctypes
import os
import socket
import struct
import sys
from fcntl import ioctl
from pathlib import Path

MS_BIND, MS_REC, MS_NOSUID, MS_NODEV = 4096, 16384, 2, 4
MOUNT_SETATTR = 442  # the number of this system call on every machine
AT_RECURSIVE, READ_ONLY = 0x8000, 1
PR_CAPBSET_DROP, PR_SET_SECUREBITS, PR_SET_NO_NEW_PRIVS = 24, 28, 38
NO_ROOT_LOCKED = 0b11  # user 0 is a user like any other, and stays one
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
SHARED_MEMORY = "/dev/shm"  # of processes that work together

_C = ctypes.CDLL(None, use_errno=True)


def confine(folder: str, hidden: list[str]) -> None:
    """Leave this process nothing to write to but a folder, and nothing to see of others.

    Raises
    ------
    OSError
        If the system refuses any of it.
    """
    here = Path.cwd()  # in that folder
    _raise_loopback()
    own = os.open(folder, os.O_PATH)
    for path in filter(os.path.isdir, [*hidden, SHARED_MEMORY]):
        _mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=256m")
    # The way to its own folder may lead through one that is hidden now.
    Path(folder).mkdir(parents=True, exist_ok=True)
    _mount(f"/proc/self/fd/{own}", folder, None, MS_BIND | MS_REC)
    os.close(own)
    _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV)  # without the processes outside
    _set_read_only("/", True)
    for path in filter(os.path.isdir, [folder, SHARED_MEMORY]):
        _set_read_only(path, False)
    os.chdir(here)  # the same place, seen through the new mounts
    for capability in range(64):
        _C.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # those that there are
    _checked(_C.prctl(PR_SET_SECUREBITS, NO_ROOT_LOCKED, 0, 0, 0))
    _checked(_C.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def _raise_loopback() -> None:
    """Let servers listen on 127.0.0.1: that is all the network there is."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", 0)
        (flags,) = struct.unpack_from("H", ioctl(any_socket, SIOCGIFFLAGS, request), 16)
        ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


def _mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    words = [word.encode() if word else None for word in (source, target, kind)]
    _checked(_C.mount(*words, ctypes.c_ulong(flags), options.encode() or None))


def _set_read_only(target: str, read_only: bool) -> None:
    """Change a mount; with everything that is mounted below it if it becomes read-only."""
    change = struct.pack("QQQQ", READ_ONLY * read_only, READ_ONLY * (not read_only), 0, 0)
    flags = AT_RECURSIVE * read_only
    _checked(_C.syscall(MOUNT_SETATTR, -100, target.encode(), flags, change, len(change)))


def _checked(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    confine(sys.argv[1], sys.argv[2].split(os.pathsep))
    os.execv(sys.argv[3], sys.argv[3:])

"""Refuse a commit that would add a password."""

import subprocess
import sys

STAGED = ["git", "diff", "--cached", "--unified=0", "--no-color", "--no-ext-diff"]


def has_secret(line: str) -> bool:
    return "password" in line.lower()


changes = subprocess.run(STAGED, capture_output=True, check=True, encoding="utf-8").stdout
added = [line[1:] for line in changes.splitlines() if line.startswith("+") and line[:3] != "+++"]
refused = [line for line in added if has_secret(line)]
for line in refused:
    print("A password must not be committed:", line)
sys.exit(1 if refused else 0)

"""What a tool says of a definition that it reads from a file, in one line."""

import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path


def verdict(load: Callable[[Path], object], text: str) -> str:
    """Return whether a tool accepts a definition, or why not.

    Parameters
    ----------
    load : callable
        Reads a file, and raises an error if its definition is wrong. If the message holds an object
        of JSON, as that of Azure's package does, this is the reason; otherwise its first line is.
    text : str
        The definition.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "definition.yml"
        path.write_text(text, encoding="utf-8")
        try:
            load(path)
        except Exception as error:
            return f"refused: {_reason(str(error))}"
    return "accepted"


def _reason(message: str) -> str:
    found = re.search(r"\{.*\}", message, flags=re.DOTALL)
    try:
        reasons = json.loads(found[0]) if found else {}
    except ValueError:
        reasons = {}
    if not reasons:
        return message.strip().partition("\n")[0]
    return "; ".join(f"{name}: {' '.join(map(str, why))}" for name, why in reasons.items())

"""Pack the service into one file that Python can run, and write its fingerprint beside it."""

import hashlib
import os
import zipfile
from pathlib import Path

from version import VERSION

PARTS = ["__main__.py", "rule.py", "table.py", "version.py"]

folder = Path(os.environ.get("ARTEFACTS", "dist"))
folder.mkdir(parents=True, exist_ok=True)
path = folder / f"delay-service-{VERSION}.zip"
with zipfile.ZipFile(path, "w") as artefact:
    for name in PARTS:
        # Always the same date, system and rights, and nothing compressed: with equal files every
        # computer makes equal bytes.
        entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
        entry.create_system = 3
        entry.external_attr = 0o644 << 16
        artefact.writestr(entry, Path(name).read_bytes())

fingerprint = hashlib.sha256(path.read_bytes()).hexdigest()
path.with_suffix(".sha256").write_text(f"{fingerprint}  {path.name}\n", encoding="utf-8")
print(f"packed {path.name}, {len(PARTS)} files")

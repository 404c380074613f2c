"""The environments of the labs in the lock: what they download, and that nothing is compiled."""

import functools
import os
import shutil
import subprocess
import tomllib
from operator import attrgetter
from urllib.parse import unquote

import pytest
from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms, parse_tag
from packaging.utils import canonicalize_name, parse_wheel_filename

from mlops_school import grading
from mlops_school.manifest import load_labs
from mlops_school.paths import ROOT

EXPORT = "export --frozen --no-dev --no-emit-project --no-hashes --no-annotate --no-header --quiet"
LINUX = [f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1)]
LINUX += [f"manylinux{year}_x86_64" for year in (2014, 2010, 1)]  # old names of 17, 12 and 5
COMPUTERS = {
    "linux": {"os_name": "posix", "sys_platform": "linux", "platform_machine": "x86_64"},
    "macos": {"os_name": "posix", "sys_platform": "darwin", "platform_machine": "arm64"},
    "windows": {"os_name": "nt", "sys_platform": "win32", "platform_machine": "AMD64"},
}
SYSTEMS = {"linux": "Linux", "macos": "Darwin", "windows": "Windows"}
# Published as an archive only, in which there is nothing to compile.
PURE = {"kfp-server-api", "pyspark"}
PLATFORMS = {
    "linux": LINUX,
    "macos": list(mac_platforms((14, 0), "arm64")),
    "windows": ["win_amd64"],
}

each_lab = pytest.mark.parametrize("lab", load_labs(), ids=attrgetter("id"))
each_computer = pytest.mark.parametrize("computer", COMPUTERS)


@functools.cache
def locked() -> dict[tuple[str, str], list[tuple[frozenset[Tag], int]]]:
    """Return the wheels of each package in the lock, by name and version: tags and bytes.

    An archive of nothing but Python counts as a wheel for every computer.
    """
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    return {
        (package["name"], package["version"]): [
            (parse_wheel_filename(unquote(wheel["url"].rpartition("/")[2]))[3], wheel["size"])
            for wheel in package.get("wheels", ())
        ]
        + [
            (frozenset(parse_tag("py3-none-any")), package["sdist"]["size"])
            for _ in PURE & {package["name"]}
        ]
        for package in packages
    }


@functools.cache
def exported(*groups: str) -> list[Requirement]:
    """Return what uv installs for learners, with these groups of dependencies."""
    uv = os.environ.get("UV") or shutil.which("uv")
    words = [word for group in groups for word in ("--group", group)]
    text = subprocess.check_output(
        [uv, *EXPORT.split(), *words], cwd=ROOT, text=True, encoding="utf-8"
    )
    return [Requirement(line) for line in text.splitlines()]


def sizes(computer: str, python: tuple[int, int], *groups: str) -> dict[tuple[str, str], int]:
    """Return what each package downloads there, in bytes; 0 if it has no wheel that fits."""
    version = ".".join(map(str, python))
    environment = COMPUTERS[computer] | {
        "platform_system": SYSTEMS[computer],
        "python_version": version,
        "python_full_version": f"{version}.9",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    names = PLATFORMS[computer]
    fitting = [*cpython_tags(python, platforms=names), *compatible_tags(python, None, names)]
    order = {tag: place for place, tag in enumerate(fitting)}
    found = {}
    for needed in exported(*groups):
        if needed.marker and not needed.marker.evaluate(environment):
            continue
        (specifier,) = needed.specifier
        key = canonicalize_name(needed.name), specifier.version
        places = [
            (min(order[tag] for tag in tags & order.keys()), size)
            for tags, size in locked()[key]
            if tags & order.keys()
        ]
        found[key] = min(places)[1] if places else 0
    return found


def megabytes(group: str, computer: str) -> float:
    """Return what a group of packages downloads beside the course on one kind of computer."""
    own = sizes(computer, (3, 12), group)
    course = sizes(computer, (3, 12))
    return sum(size for key, size in own.items() if key not in course) / 1e6


@each_lab
def test_a_lab_downloads_what_its_manifest_says(lab):
    most = max(megabytes(f"lab-{lab.id}", computer) for computer in COMPUTERS)
    assert lab.download_mb - lab.npm_mb == pytest.approx(most, abs=1)


def test_the_classroom_downloads_what_it_says():
    most = max(megabytes(grading.ENVIRONMENT.group, computer) for computer in COMPUTERS)
    assert grading.ENVIRONMENT.download_mb == pytest.approx(most, abs=1)


@each_computer
@pytest.mark.parametrize("python", [(3, 11), (3, 14)], ids=str)
def test_nothing_of_the_classroom_is_compiled(computer, python):
    own = sizes(computer, python, grading.ENVIRONMENT.group)
    course = sizes(computer, python)
    assert {key for key, size in own.items() if not size} <= {
        key for key, size in course.items() if not size
    }


@each_lab
@each_computer
@pytest.mark.parametrize("python", [(3, 11), (3, 14)], ids=str)
def test_nothing_of_a_lab_is_compiled(lab, computer, python):
    if lab.systems and SYSTEMS[computer] not in lab.systems:
        pytest.skip(f"{lab.title} is not for {computer}")
    if lab.newest_python and python > tuple(map(int, lab.newest_python.split("."))):
        pytest.skip(f"{lab.title} is for Python up to {lab.newest_python}")
    own = sizes(computer, python, f"lab-{lab.id}")
    course = sizes(computer, python)
    assert {key for key, size in own.items() if not size} <= {
        key for key, size in course.items() if not size
    }

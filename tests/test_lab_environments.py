"""The environments of the labs in the lock: what they download, and that nothing is compiled."""

import functools
import subprocess
import sys
import tomllib
from operator import attrgetter
from pathlib import Path
from urllib.parse import unquote

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms, parse_tag
from packaging.utils import canonicalize_name, parse_wheel_filename

from mlops_school import grading
from mlops_school.environments import find_uv
from mlops_school.manifest import load_labs
from mlops_school.paths import COURSE, ROOT

EXPORT = "export --frozen --no-dev --no-emit-local --no-hashes --no-annotate --no-header --quiet"
LOCK = ROOT / "uv.lock"
LINUX = [f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1)]
LINUX += [f"manylinux{year}_x86_64" for year in (2014, 2010, 1)]  # old names of 17, 12 and 5
COMPUTERS = {
    "linux": {"os_name": "posix", "sys_platform": "linux", "platform_machine": "x86_64"},
    "macos": {"os_name": "posix", "sys_platform": "darwin", "platform_machine": "arm64"},
    "windows": {"os_name": "nt", "sys_platform": "win32", "platform_machine": "AMD64"},
}
SYSTEMS = {"linux": "Linux", "macos": "Darwin", "windows": "Windows"}
# Published as an archive only, in which there is nothing to compile.
PURE = {"kfp-server-api", "pypika", "pyspark", "rouge-score"}
PLATFORMS = {
    "linux": LINUX,
    "macos": list(mac_platforms((14, 0), "arm64")),
    "windows": ["win_amd64"],
}

each_lab = pytest.mark.parametrize("lab", load_labs(), ids=attrgetter("id"))
scripts = sorted({COURSE / lab.script for lab in load_labs() if lab.script})
each_computer = pytest.mark.parametrize("computer", COMPUTERS)


@functools.cache
def locked(lock: Path) -> dict[tuple[str, str], list[tuple[frozenset[Tag], int]]]:
    """Return the wheels of each package in a lock, by name and version: tags and bytes.

    An archive of nothing but Python counts as a wheel for every computer.
    """
    packages = tomllib.loads(lock.read_text(encoding="utf-8"))["package"]
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
def exported(*words: str) -> list[Requirement]:
    """Return what uv installs for learners, with a group of dependencies or for a script."""
    text = subprocess.check_output(
        [find_uv(), *EXPORT.split(), *words], cwd=ROOT, text=True, encoding="utf-8"
    )
    return [Requirement(line) for line in text.splitlines()]


def sizes(
    computer: str, python: tuple[int, int], *words: str, lock: Path = LOCK
) -> dict[tuple[str, str], int]:
    """Return what each package downloads there, in bytes; 0 if it has no wheel that fits.

    The words tell uv's export what to take, which is in `lock`.
    """
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
    for needed in exported(*words):
        if needed.marker and not needed.marker.evaluate(environment):
            continue
        (specifier,) = needed.specifier
        key = canonicalize_name(needed.name), specifier.version
        places = [
            (min(order[tag] for tag in tags & order.keys()), size)
            for tags, size in locked(lock)[key]
            if tags & order.keys()
        ]
        found[key] = min(places)[1] if places else 0
    return found


def of_lab(lab, computer: str, python: tuple[int, int]) -> dict[tuple[str, str], int]:
    """Return what each package of a lab that the course does not have downloads there."""
    if lab.script:  # which shares nothing with the course
        script = COURSE / lab.script
        lock = script.with_name(f"{script.name}.lock")
        return sizes(computer, python_of(lock), "--script", str(script), lock=lock)
    return of_group(f"lab-{lab.id}", computer, python)


def of_group(group: str, computer: str, python: tuple[int, int]) -> dict[tuple[str, str], int]:
    """Return what each package of a group that the course does not have downloads there."""
    own = sizes(computer, python, "--group", group)
    course = sizes(computer, python)
    return {key: size for key, size in own.items() if key not in course}


def python_of(lock: Path) -> tuple[int, int]:
    """Return the newest Python with which a script runs, whatever the course runs with."""
    allowed = SpecifierSet(tomllib.loads(lock.read_text(encoding="utf-8"))["requires-python"])
    return max((3, minor) for minor in range(9, 15) if allowed.contains(f"3.{minor}.9"))


def what_excludes(lab, computer: str, python: tuple[int, int]) -> str:
    """Say why a lab is not for this kind of computer or Python; empty if it is."""
    if lab.systems and SYSTEMS[computer] not in lab.systems:
        return f"{lab.title} is not for {computer}"
    if python > newest_python(lab):
        return f"{lab.title} is for Python up to {lab.newest_python}"
    return ""


def newest_python(lab) -> tuple[int, ...]:
    return tuple(map(int, lab.newest_python.split("."))) if lab.newest_python else (3, 14)


@each_lab
def test_a_lab_downloads_what_its_manifest_says(lab):
    python = min((3, 12), newest_python(lab))
    most = max(
        sum(of_lab(lab, computer, python).values()) / 1e6
        for computer in COMPUTERS
        if not what_excludes(lab, computer, python)
    )
    assert lab.download_mb - lab.npm_mb == pytest.approx(most, abs=1)


def test_the_classroom_downloads_what_it_says():
    group = grading.ENVIRONMENT.group
    most = max(sum(of_group(group, computer, (3, 12)).values()) / 1e6 for computer in COMPUTERS)
    assert grading.ENVIRONMENT.download_mb == pytest.approx(most, abs=1)


@each_computer
@pytest.mark.parametrize("python", [(3, 11), (3, 14)], ids=str)
def test_nothing_of_the_classroom_is_compiled(computer, python):
    own = of_group(grading.ENVIRONMENT.group, computer, python)
    assert not [key for key, size in own.items() if not size]


@each_lab
@each_computer
@pytest.mark.parametrize("python", [(3, 11), (3, 14)], ids=str)
def test_nothing_of_a_lab_is_compiled(lab, computer, python):
    if reason := what_excludes(lab, computer, python):
        pytest.skip(reason)
    assert not [key for key, size in of_lab(lab, computer, python).items() if not size]


@pytest.mark.parametrize("script", scripts, ids=attrgetter("stem"))
def test_the_lock_of_a_script_is_up_to_date(script):
    command = [find_uv(), "lock", "--script", str(script), "--check", "--offline"]
    # Any Python will do to see that, and this one is there.
    command += ["--python", sys.executable]
    assert subprocess.run(command, capture_output=True).returncode == 0

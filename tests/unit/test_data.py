"""The data sets, their loaders, and the data card, which may claim nothing that is not so."""

import hashlib
import json
import re
import shutil
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from mlops_school import data
from mlops_school.errors import CourseError
from mlops_school.paths import DATA

LOADERS = {
    "flights": data.load_flights,
    "weather": data.load_weather,
    "planes": data.load_planes,
    "airports": data.load_airports,
    "airlines": data.load_airlines,
    "german_credit": data.load_german_credit,
}
ROWS = {
    "flights": 336_776,
    "weather": 26_115,
    "planes": 3_322,
    "airports": 1_458,
    "airlines": 16,
    "german_credit": 1_000,
}
TEXT = pd.StringDtype(storage="pyarrow", na_value=np.nan)


@pytest.fixture(scope="module")
def frames():
    """All data sets, loaded once; no test changes them."""
    return {name: load() for name, load in LOADERS.items()}


@pytest.fixture
def folder(tmp_path):
    """Copy the data sets, so that a test may damage them."""
    files = shutil.ignore_patterns("*.py", "*.md", "__pycache__")
    return shutil.copytree(DATA, tmp_path / "data", ignore=files)


def load(name, folder):
    """Load the data set that a file belongs to."""
    if name.startswith("flights/"):
        return data.load_flights([int(name[-2:])], folder=folder)
    return LOADERS[name](folder=folder)


# --- The files -----------------------------------------------------------------------------------


def test_the_files_are_those_that_were_built():
    checksums = json.loads((DATA / "checksums.json").read_text(encoding="utf-8"))
    files = {path.relative_to(DATA).as_posix(): path for path in DATA.rglob("*.parquet")}
    assert {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()
    } == checksums


def test_the_files_are_small():
    assert sum(path.stat().st_size for path in DATA.rglob("*.parquet")) <= 6_000_000


# --- Loading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOADERS)
def test_loads_every_row(frames, name):
    assert len(frames[name]) == ROWS[name]
    assert frames[name].index.equals(pd.RangeIndex(ROWS[name]))


@pytest.mark.parametrize("name", LOADERS)
def test_types_are_plain(frames, name):
    types = frames[name].dtypes
    assert set(types) <= {
        np.dtype("int64"),
        np.dtype("float64"),
        TEXT,
        pd.DatetimeTZDtype("ns", "UTC"),
    }
    assert (types.get("time_hour", "datetime64[ns, UTC]")) == "datetime64[ns, UTC]"


def test_the_flights_of_the_year_take_less_than_60_mb(frames):
    assert frames["flights"].memory_usage(deep=True).sum() < 60e6


def test_loads_only_the_months_asked_for_in_calendar_order(frames):
    flights = data.load_flights([11, 2, 11])
    whole = frames["flights"]
    expected = whole[whole.month.isin([2, 11])].reset_index(drop=True)
    pd.testing.assert_frame_equal(flights, expected)
    assert flights.month.is_monotonic_increasing


def test_months_may_be_any_iterable(frames):
    expected = (frames["flights"].month <= 2).sum()
    for months in (range(1, 3), np.array([1, 2]), {1, 2}, iter((2, 1))):
        assert len(data.load_flights(months, ["day"])) == expected


def test_loads_only_the_columns_asked_for_in_their_order(frames):
    flights = data.load_flights([3], ["dest", "arr_delay", "dest", "time_hour"])
    whole = frames["flights"]
    expected = whole.loc[whole.month == 3, ["dest", "arr_delay", "time_hour"]]
    pd.testing.assert_frame_equal(flights, expected.reset_index(drop=True))


def test_does_not_read_the_columns_not_asked_for(folder):
    path = folder / "flights" / "2013-01.parquet"
    flip(path, middle_of_column(path, "tailnum"))

    assert len(data.load_flights([1], ["flight", "origin"], folder)) == 27_004
    with pytest.raises(CourseError):
        data.load_flights([1], ["flight", "tailnum"], folder)


def test_types_do_not_depend_on_the_rows(folder):
    """A month without a missing value, written by pandas, loads like the others."""
    path = folder / "flights" / "2013-05.parquet"
    landed = data.load_flights([5]).dropna()
    landed.astype({"dep_time": "int64", "air_time": "int64"}).to_parquet(path, index=False)

    flights = data.load_flights([5], folder=folder)

    pd.testing.assert_frame_equal(flights, landed.reset_index(drop=True))


def test_frames_can_be_changed():
    flights = data.load_flights([1], ["hour"])
    flights.loc[0, "hour"] = 23
    airlines = data.load_airlines()
    airlines.loc[0, "name"] = "Renamed"
    assert (flights.hour[0], airlines.name[0]) == (23, "Renamed")
    assert data.load_airlines().name[0] == "Endeavor Air Inc."


def test_missing_text_is_nan(frames):
    tailnum = frames["flights"].tailnum
    first = tailnum[tailnum.isna()].iloc[0]
    assert isinstance(first, float)
    assert np.isnan(first)
    assert (tailnum == "N14228").dtype == bool


def test_text_works_in_groups_and_encoders(frames):
    flights = frames["flights"].head(2000)
    assert flights.groupby("origin").size().to_dict() == {"EWR": 739, "JFK": 693, "LGA": 568}

    encoder = OrdinalEncoder(encoded_missing_value=-1)
    codes = encoder.fit_transform(flights[["carrier", "tailnum"]])
    assert (codes[:, 1] == -1).tolist() == flights.tailnum.isna().tolist()
    np.testing.assert_array_equal(encoder.categories_[0][codes[:, 0].astype(int)], flights.carrier)

    encoder = OneHotEncoder(sparse_output=False).fit(flights[["origin"]])
    assert encoder.get_feature_names_out().tolist() == ["origin_EWR", "origin_JFK", "origin_LGA"]
    assert encoder.transform(flights[["origin"]]).sum(axis=0).tolist() == [739, 693, 568]


@pytest.mark.parametrize("months", [[], [0], [13], [1, -1], ["1"], "1", [1.5], 3, None])
@pytest.mark.parametrize("function", [data.load_flights, data.version])
def test_refuses_what_is_not_a_month(function, months):
    with pytest.raises(CourseError, match=r"numbers from 1 to 12, such as months=\[1, 2\]"):
        function(months)


def test_says_which_columns_there_are():
    with pytest.raises(CourseError, match=r"no column arrival, 7\. Their .* arr_delay,"):
        data.load_flights([1], ["arrival", "dep_delay", 7])


# --- The version ---------------------------------------------------------------------------------


def test_version_is_12_hexadecimal_digits_that_only_the_bytes_decide(folder):
    version = data.version([1, 2])
    assert re.fullmatch("[0-9a-f]{12}", version)
    assert data.version((2, 1, 1)) == version
    assert data.version([1, 2], folder) == version  # another place, other times of change


def test_version_depends_on_the_months():
    versions = {data.version(months) for months in ([1], [2], [1, 2], data.MONTHS)}
    assert len(versions) == 4


@pytest.mark.parametrize(
    "name",
    ["flights/2013-01", "flights/2013-02", "weather", "planes", "airports", "airlines"],
)
def test_version_changes_with_one_byte_of_what_is_used(folder, name):
    before = data.version([1, 2], folder)
    flip(folder / f"{name}.parquet", 100)
    assert data.version([1, 2], folder) != before


def test_version_does_not_change_with_a_month_that_is_not_used(folder):
    before = data.version([1, 2], folder)
    flip(folder / "flights" / "2013-03.parquet", 100)
    (folder / "flights" / "2013-04.parquet").unlink()
    assert data.version([1, 2], folder) == before


def test_version_notices_swapped_files(folder):
    before = data.version([1, 2], folder)
    january, february = (folder / "flights" / f"2013-0{month}.parquet" for month in (1, 2))
    content = january.read_bytes()
    january.write_bytes(february.read_bytes())
    february.write_bytes(content)
    assert data.version([1, 2], folder) != before


# --- Missing and damaged files -------------------------------------------------------------------


def flip(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 0b100
    path.write_bytes(content)


def middle_of_column(path, name):
    """Return a position in the middle of the pages of a column."""
    group = pq.read_metadata(path).row_group(0)
    columns = [group.column(i) for i in range(group.num_columns)]
    column = next(column for column in columns if column.path_in_schema == name)
    start = column.dictionary_page_offset or column.data_page_offset
    return start + column.total_compressed_size // 2


def first_column(path):
    return pq.read_schema(path).names[0]


def with_table(change):
    return lambda path: pq.write_table(change(pq.read_table(path, partitioning=None)), path)


def in_place_of_file(path):
    path.unlink()
    path.mkdir()


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "one byte short": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "text": lambda path: path.write_text("<html>404 Not found</html>", encoding="utf-8"),
    "flipped byte": lambda path: flip(path, middle_of_column(path, first_column(path))),
    "folder": in_place_of_file,
    "column gone": with_table(lambda table: table.drop_columns(table.column_names[-1:])),
    "column renamed": with_table(
        lambda table: table.rename_columns(["x", *table.schema.names[1:]])
    ),
    "column added": with_table(lambda table: table.append_column("x", table.column(0))),
    "nothing but text": with_table(
        lambda table: pa.table({name: ["x"] for name in table.column_names[:-1]} | {"name": [1]})
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["flights/2013-02", "weather", "planes", "airports", "airlines"])
def test_says_which_file_is_damaged(folder, name, damage):
    path = folder / f"{name}.parquet"
    DAMAGES[damage](path)

    with pytest.raises(CourseError) as caught:
        load(name, folder)

    assert str(caught.value) == (
        f"{path} cannot be read: it is damaged, or not the file that belongs there. "
        f"Copy it again from {DATA}."
    )


def test_refuses_another_table_in_the_place_of_a_file(folder):
    shutil.copy(folder / "airports.parquet", folder / "planes.parquet")
    with pytest.raises(CourseError, match="planes"):
        data.load_planes(folder)


@pytest.mark.parametrize(
    ("name", "column", "type_"),
    [
        ("flights/2013-02", "time_hour", pa.int64()),  # would become an instant in 1970
        ("flights/2013-02", "time_hour", pa.timestamp("ms")),
        ("flights/2013-02", "day", pa.float64()),
        ("flights/2013-02", "dep_delay", pa.string()),
        ("planes", "model", pa.null()),
        ("airports", "alt", pa.string()),
    ],
)
def test_refuses_types_that_it_would_have_to_guess(folder, name, column, type_):
    path = folder / f"{name}.parquet"
    table = pq.read_table(path, partitioning=None)
    values = pa.nulls(len(table)) if type_ == pa.null() else table[column].cast(type_)
    changed = table.set_column(table.column_names.index(column), column, values)
    pq.write_table(changed, path)

    with pytest.raises(CourseError, match="not the file that belongs there"):
        load(name, folder)


def test_a_flipped_byte_anywhere_is_noticed_or_does_no_harm(folder):
    path = folder / "airlines.parquet"
    content, airlines = path.read_bytes(), data.load_airlines()
    noticed = 0
    for position in range(len(content)):
        flip(path, position)
        try:
            pd.testing.assert_frame_equal(data.load_airlines(folder), airlines)
        except CourseError:
            noticed += 1
        path.write_bytes(content)
    assert noticed > len(content) / 2  # the rest are statistics and the like, which nothing reads


@pytest.mark.parametrize("name", ["flights/2013-02", "weather", "planes", "airports", "airlines"])
def test_says_which_file_is_missing(folder, name):
    path = folder / f"{name}.parquet"
    path.unlink()
    for read in (lambda: load(name, folder), lambda: data.version([2], folder)):
        with pytest.raises(CourseError) as caught:
            read()
        assert str(caught.value) == f"There is no {path}. Copy it again from {DATA}."


def test_the_other_months_load_when_one_is_damaged(folder):
    (folder / "flights" / "2013-02.parquet").write_bytes(b"")
    assert set(data.load_flights([1, 3], ["month"], folder).month) == {1, 3}


def test_says_how_to_restore_the_files_of_the_course(folder, monkeypatch):
    monkeypatch.setattr(data, "DATA", folder)
    (folder / "planes.parquet").write_bytes(b"")
    with pytest.raises(CourseError) as caught:
        data.load_planes(folder)
    assert str(caught.value).endswith(
        "To restore it, run `git checkout -- course/data` or `python course/data/rebuild.py` "
        "in the folder of the course."
    )


def test_a_damaged_file_is_not_left_open(folder):
    """Windows would not let anybody replace it."""
    path = folder / "planes.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CourseError) as caught:
        data.load_planes(folder)
    assert caught.value.__cause__ is not None  # which keeps alive what was under way
    assert path.name not in {Path(file.path).name for file in psutil.Process().open_files()}


# --- The data card -------------------------------------------------------------------------------

CARD = (DATA / "README.md").read_text(encoding="utf-8")


def section(title):
    """Return the text under a heading, as one line."""
    found = re.search(rf"^#+ {title}\n(.*?)(?=^#|\Z)", CARD, flags=re.MULTILINE | re.DOTALL)
    return " ".join(found[1].split())


def table(title):
    """Return the rows of the table under a heading, each a list of its cells."""
    rows = re.findall(
        r"\|( [^\n]+ )\|$", CARD.partition(f"# {title}\n")[2].partition("\n#")[0], re.M
    )
    return [[cell.strip(" `") for cell in row.split("|")] for row in rows[2:]]


@pytest.mark.parametrize("name", LOADERS)
def test_the_card_describes_each_column(frames, name):
    frame = frames[name]
    assert [(column, type_, missing) for column, type_, _, missing, _ in table(name)] == [
        (column, str(frame[column].dtype), f"{frame[column].isna().sum():,}") for column in frame
    ]


def test_the_card_counts_the_rows(frames):
    counted = {
        cells[0].partition("/")[0].partition(".")[0]: cells[1] for cells in table("What is here")
    }
    assert counted == {name: f"{len(frame):,}" for name, frame in frames.items()}
    size = sum(path.stat().st_size for path in DATA.rglob("*.parquet"))
    assert f"Together the files take {size / 1e6:.1f} MB." in section("What is here")


def check(title, facts):
    """Check that a section states these facts, and no number beside them."""
    text = section(title)
    assert [fact for fact in facts if fact not in text] == []
    for fact in sorted(facts, key=len, reverse=True):
        text = text.replace(fact, "")
    assert re.findall(r"\S*\d\S*", re.sub(r"`[^`]*`", "", text)) == []


def minutes(clock):
    return clock // 100 * 60 + clock % 100


def day(instant):
    return f"{instant.day} {instant:%B}"


def test_the_card_is_right_about_time(frames):
    flights, weather = frames["flights"], frames["weather"]
    behind = set()
    for frame in (flights, weather):
        local = pd.to_datetime(frame[["year", "month", "day", "hour"]])
        new_york = frame.time_hour.dt.tz_convert("America/New_York").dt.tz_localize(None)
        assert local.equals(new_york)
        behind |= set((frame.time_hour.dt.tz_localize(None) - local) // pd.Timedelta("1h"))
    assert (flights.hour * 100 + flights.minute == flights.sched_dep_time).all()
    assert not weather.duplicated(["origin", "time_hour"]).any()

    # What the clocks did is seen in the weather: an hour that no day but one lacks, or has twice.
    hours = weather.groupby(["month", "day", "hour", "origin"]).size()
    twice = hours[hours == 2].reset_index()
    assert (twice.month.unique(), twice.hour.unique(), len(twice)) == ([11], [1], 3)
    back = pd.Timestamp(2013, 11, twice.day.unique().item())
    by_hour = weather[weather.month == 3].groupby("day").hour.agg(set)
    forward = pd.Timestamp(2013, 3, by_hour.index[[2 not in hours for hours in by_hour]].item())
    first = {
        flights.hour[(flights.month == date.month) & (flights.day == date.day)].min()
        for date in (forward, back)
    }
    in_utc = (flights.time_hour.dt.day != flights.day).sum()
    facts = [
        f"{max(behind)} hours behind UTC in winter and {min(behind)} hours in summer",
        f"{in_utc:,} flights have another date in UTC than in New York",
        f"forward on {day(forward)}, so hour 2 is absent",
        f"back on {day(back)}, when each airport has two weather rows for hour 1",
        f"{hours[hours == 2].sum()} rows share their local hour with another",
        f"on both days the first leaves in hour {first.pop()}",
    ]
    assert not first
    check("Time", facts)


def test_the_card_is_right_about_the_faults(frames):
    groups = (flight_facts, plane_facts, airport_facts, weather_facts)
    check("Known faults", [fact for facts in groups for fact in facts(frames)])


def flight_facts(frames):
    flights = frames["flights"]
    cancelled = flights.dep_time.isna()
    assert cancelled.equals(flights.dep_delay.isna())
    assert flights.loc[cancelled, ["arr_time", "arr_delay", "air_time"]].isna().all(axis=None)
    assert not (flights.tailnum.isna() & ~cancelled).any()
    no_delay = ~cancelled & flights.arr_delay.isna()
    assert flights.air_time.isna().equals(flights.arr_delay.isna())
    late = (flights.arr_delay >= 15).sum()
    landed = flights.arr_delay.notna().sum()
    times = flights[["dep_time", "arr_time"]]
    assert not (times == 0).any(axis=None)
    next_day = minutes(flights.dep_time) - minutes(flights.sched_dep_time) - flights.dep_delay
    assert set(next_day.dropna()) == {0, -24 * 60}
    for _, rows in flights.groupby(["month", "day"]):
        assert rows.dep_time.fillna(9999).is_monotonic_increasing
    assert (flights.month * 100 + flights.day).is_monotonic_increasing
    within = flights[flights.dest.isin(flights.origin)]
    assert (within.origin.item(), within.dest.item()) == ("EWR", "LGA")
    assert within.dep_time.isna().all()
    return [
        f"{cancelled.sum():,} flights ({cancelled.mean():.1%}) never left",
        f"{flights.tailnum.isna().sum():,} of them have no `tailnum`",
        f"{no_delay.sum():,} flights left but have no `arr_delay`",
        f"{(no_delay & flights.arr_time.notna()).sum():,} of them have an `arr_time`",
        f"of the {landed:,} flights with an `arr_delay`, {late:,} ({late / landed:.1%}) "
        "arrived 15 or more minutes late",
        f"{(times.dep_time == 2400).sum()} times in `dep_time`, "
        f"{(times.arr_time == 2400).sum()} times in `arr_time`",
        f"{(next_day < 0).sum():,} flights left after midnight",
        f"over {within.distance.item()} miles",
    ]


def plane_facts(frames):
    flights, planes = frames["flights"], frames["planes"]
    named = flights.tailnum.notna()
    unlisted = named & ~flights.tailnum.isin(planes.tailnum)
    lost = unlisted | ~named
    small = planes[planes.seats < 20]
    rotorcraft = small.type == "Rotorcraft"
    assert rotorcraft.sum() == (planes.type == "Rotorcraft").sum()
    makers = planes.manufacturer.value_counts()
    alike = makers[makers.index.str.match("AIRBUS|MCDONNELL")]
    assert len(alike) == 5
    return [
        f"{lost.sum():,} flights ({lost.mean():.1%}) find no aircraft",
        f"{(~named).sum():,} for lack of a tail number, {unlisted.sum():,} because",
        f"{(unlisted & flights.carrier.isin(['AA', 'MQ'])).sum():,} are flights of AA and MQ",
        f"{len(small)} aircraft in it have fewer than 20 seats",
        f"{rotorcraft.sum()} of them are rotorcraft",
        f"{flights.tailnum.isin(small.tailnum).sum():,} flights are said to be theirs",
        f"`speed` is known for {planes.speed.notna().sum()} aircraft only",
        f"AIRBUS INDUSTRIE ({alike['AIRBUS INDUSTRIE']} aircraft) and AIRBUS ({alike['AIRBUS']})",
        f"MCDONNELL DOUGLAS ({alike['MCDONNELL DOUGLAS']})",
        f"MCDONNELL DOUGLAS AIRCRAFT CO ({alike['MCDONNELL DOUGLAS AIRCRAFT CO']})",
        f"MCDONNELL DOUGLAS CORPORATION ({alike['MCDONNELL DOUGLAS CORPORATION']})",
    ]


def airport_facts(frames):
    flights, airports = frames["flights"], frames["airports"]
    placeless = flights.dest[~flights.dest.isin(airports.faa)]
    assert set(placeless) == {"BQN", "PSE", "SJU", "STT"}
    by_code = airports.set_index("faa")
    assert set(by_code.index[by_code.lon > 0]) == {"DVT", "EEN", "MYF", "SYA"}  # SYA really is
    assert set(by_code.index[by_code.tzone == "Asia/Chongqing"]) == {"DVT", "MYF"}
    assert set(by_code.index[by_code.tzone.isna()]) == {"EEN", "LRO", "YAK"}
    assert not flights.dest.isin(["DVT", "EEN", "MYF", "LRO", "YAK"]).any()
    return [
        f"{placeless.nunique()} destinations have no row: BQN, PSE, SJU and STT",
        f"{len(placeless):,} flights go there",
    ]


def weather_facts(frames):
    flights, weather = frames["flights"], frames["weather"]
    local = weather.time_hour.dt.tz_convert("America/New_York")
    year = pd.date_range("2013", "2014", freq="h", tz="America/New_York", inclusive="left")
    first, last = local.min(), local.max()
    spans = local.groupby(weather.origin).agg(["min", "max"])
    assert ((spans["min"] == first) & (spans["max"] == last)).all()
    outside = 3 * ((year < first) | (year > last)).sum()
    missing = 3 * len(year) - len(weather)

    key = ["origin", "time_hour"]
    joined = flights.merge(weather[key], how="left", on=key, indicator="found")
    assert len(joined) == len(flights)
    lost = joined[joined.found == "left_only"]
    lost_at_end = (lost.month == 12) & lost.day.isin([30, 31])
    on_last_day = ((flights.month == 12) & (flights.day == 31)).sum()
    assert ((lost.month == 12) & (lost.day == 31)).sum() == on_last_day

    wind = weather.sort_values("wind_speed", ascending=False, na_position="last")
    top = wind.iloc[0]
    assert ((weather.wind_dir == 0) == (weather.wind_speed == 0)).all()
    assert weather.visib.max() == 10
    assert weather.temp.isna().equals(weather.humid.isna())
    assert weather.temp.isna().equals(weather.dewp.isna())
    unknown = weather.pressure.isna()
    return [
        f"{missing} of the {3 * len(year):,} hours",
        f"begin on {day(first)} at hour {first.hour} and stop on {day(last)} at hour {last.hour}",
        f"which makes {outside}; the other {missing - outside} lie between",
        f"{len(lost):,} flights have no weather for their hour, {lost_at_end.sum()} of them on "
        "30 and 31 December",
        f"On 31 December there is none for any of the {on_last_day} flights",
        f"{top.wind_speed:,.1f} mph ({top.origin}, {day(top.time_hour)}, hour {top.hour})",
        f"The next highest is {wind.wind_speed.iloc[1]:.1f} mph",
        f"`wind_gust` is missing in {weather.wind_gust.isna().mean():.1%} of the rows",
        f"`pressure` is missing in {unknown.mean():.1%} of the rows",
        f"in {unknown[weather.visib < 10].mean():.1%} of those with a visibility below 10 miles, "
        f"in {unknown[weather.visib == 10].mean():.1%} of the others",
        f"never above 10 miles: {(weather.visib == 10).sum():,} rows have exactly that",
    ]


def test_the_card_is_right_about_what_may_not_be_concluded(frames):
    flights = frames["flights"]
    assert set(flights.origin) == {"EWR", "JFK", "LGA"}
    assert set(flights.year) == {2013}
    assert set(flights.carrier) == set(frames["airlines"].carrier)
    check(
        "What may not be concluded",
        [f"reported by {flights.carrier.nunique()} airlines", "has learned 2013"],
    )


def test_the_card_is_right_about_the_german_credit_data(frames):
    credit = frames["german_credit"]
    status = credit["personal_status_and_sex"]
    blocks = status.groupby((status != status.shift()).cumsum()).size().tolist()
    assert len(blocks) == status.nunique()  # sorted, so it belongs to other rows
    good = (credit["creditability"] == "good").sum()
    assert f"of whom {good} were good risks and {len(credit) - good}" in section("German credit")
    age = credit["age_in_years"]
    facts = [
        f"in {len(blocks)} blocks of {blocks[0]}, {blocks[1]}, {blocks[2]} and {blocks[3]} rows",
        f"says yes for {(credit['foreign_worker'] == 'yes').sum()} of the {len(credit):,}",
        f"{(age <= 25).sum()} applicants are 25 or younger",
        f"the youngest {age.min()}, the oldest {age.max()}",
        f"so the {1 - good / len(credit):.0%} say nothing",
        "Ulrike Grömping (2019)",
        "from 1973 to 1975",
    ]
    check("Known faults of the German credit data", facts)


def test_files_of_other_widths_are_brought_to_the_types_of_the_course():
    flights = pa.Table.from_pandas(data.load_flights([2]), preserve_index=False).slice(0, 100)
    narrow = flights.schema
    for name, type_ in {
        "year": pa.int16(),
        "arr_delay": pa.int32(),
        "dep_delay": pa.float32(),
    }.items():
        narrow = narrow.set(narrow.get_field_index(name), pa.field(name, type_))
    narrow = narrow.set(
        narrow.get_field_index("time_hour"), pa.field("time_hour", pa.timestamp("ms", "UTC"))
    )
    assert data.as_flights(flights.cast(narrow)).equals(
        flights.cast(data.as_flights(flights).schema)
    )


def test_what_would_need_a_guess_stays_as_it_is():
    table = pa.table({"year": ["2013"], "time_hour": [datetime(2013, 1, 1)], "gate": [7]})
    assert data.as_flights(table).equals(table)

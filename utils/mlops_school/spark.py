"""Spark on this computer: its session, what it plans, and a stream that is killed.

Needs the environment of the lab on Spark, and Java. ``python -m mlops_school.spark`` is a stream in
a process of its own, which :func:`kill_stream` starts.
"""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from mlops_school import data, killing
from mlops_school.errors import CourseError
from mlops_school.files import replacing

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Effect = Callable[[pd.DataFrame, int, Path], None]
COLUMNS = ["carrier", "flight", "origin", "arr_delay"]

CORES = 2
# A driver that suits a laptop, everything in one process, and no page to look at.
_SETTINGS = {
    "spark.driver.memory": "512m",
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.shuffle.partitions": str(CORES),
}


def session(folder: Path) -> "SparkSession":
    """Start Spark on this computer, or return the session that runs already.

    Parameters
    ----------
    folder : Path
        For its files. ``spark.log`` takes what Java has to say.
    """
    from pyspark.sql import SparkSession

    os.environ |= {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    builder = SparkSession.builder.master(f"local[{CORES}]").appName("flights")
    for name, value in _SETTINGS.items():
        builder = builder.config(name, value)
    builder = builder.config("spark.sql.warehouse.dir", str(folder / "warehouse"))
    # Java writes to the standard error of the process that starts it, as long as it lives.
    own = os.dup(2)
    with (folder / "spark.log").open("ab") as log:
        os.dup2(log.fileno(), 2)
        try:
            return builder.getOrCreate()
        finally:
            os.dup2(own, 2)
            os.close(own)


def plan(frame: "DataFrame") -> str:
    """Return how Spark will compute a frame: its physical plan, without numbers and places."""
    lines = frame._jdf.queryExecution().executedPlan().toString().splitlines()
    return "\n".join(_tidied(line) for line in lines)


def deliver(day: int, folder: Path) -> int:
    """Write the landings of a day of July as a file that arrives, and return how many they are."""
    flights = data.load_flights([7])
    landed = flights.loc[(flights["day"] == day) & flights["arr_delay"].notna(), COLUMNS]
    folder.mkdir(parents=True, exist_ok=True)
    # Spark takes no notice of a name that begins with a dot, so it never sees half a file.
    part = folder / f".{day:02d}.json"
    landed.to_json(part, orient="records", lines=True)
    part.replace(folder / f"2013-07-{day:02d}.json")
    return len(landed)


def run_stream(spark: "SparkSession", home: Path, effect: Effect) -> list[int]:
    """Handle the files that have arrived since the last run, one a batch; return their numbers."""
    batches = []

    def handle(rows: "DataFrame", batch: int) -> None:
        effect(rows.toPandas(), batch, home)
        batches.append(batch)

    arriving = spark.readStream.schema("carrier string, flight int, origin string, arr_delay int")
    files = arriving.option("maxFilesPerTrigger", 1).json(str(home / "incoming"))
    query = files.writeStream.foreachBatch(handle)
    query = query.option("checkpointLocation", str(home / "checkpoint"))
    query.trigger(availableNow=True).start().awaitTermination()
    return batches


def append(rows: pd.DataFrame, batch: int, home: Path) -> None:
    """Write the rows at the end of a file: done twice, they are there twice."""
    with (home / "appended.json").open("a", encoding="utf-8", newline="\n") as stream:
        stream.write(rows.to_json(orient="records", lines=True))


def replace(rows: pd.DataFrame, batch: int, home: Path) -> None:
    """Write the rows to the file of their batch: done twice, they are there once."""
    folder = home / "batches"
    folder.mkdir(exist_ok=True)
    with replacing(folder / f"{batch}.json") as part:
        rows.to_json(part, orient="records", lines=True)


def both(rows: pd.DataFrame, batch: int, home: Path) -> None:
    """Do both of the above, so that one kill shows what becomes of either."""
    append(rows, batch, home)
    replace(rows, batch, home)


def kill_stream(home: Path) -> None:
    """Run the stream as a program, and kill it when its first batch has had its effect.

    Raises
    ------
    CourseError
        If it ended by itself before: no new file has arrived.
    """
    if not killing.kill(__name__, str(home)):
        raise CourseError(
            "The stream ended before it could be killed: there was no new file, or Spark did not "
            f"start. What Java said is in {home / 'spark.log'}."
        )


def _tidied(line: str) -> str:
    line = re.sub(r"#\d+L?|,? ?\[plan_id=\d+\]|, ENSURE_REQUIREMENTS|, output=\[[^]]*\]", "", line)
    return re.sub(r" Batched: .*", "", line).rstrip()


def _victim(home: Path) -> None:
    def effect(rows: pd.DataFrame, batch: int, home: Path) -> None:
        both(rows, batch, home)
        killing.tell_and_wait()

    run_stream(session(home), home, effect)


if __name__ == "__main__":
    _victim(Path(sys.argv[1]))

# The weather features in Tecton, computed on this computer by its engine Rift, without an account.
#
#     uv run --script course/features/tecton_weather.py --help
#
# uv reads the block below, makes an environment from it and from the lock beside this file, and
# runs the program in there. After a change of the block: uv lock --script THIS FILE
#
# /// script
# requires-python = ">=3.11,<3.13"
# dependencies = [
#     "tecton[rift]==1.2.13",
#     "pyarrow<26",  # newer ones demand NumPy 2, which Tecton does not take
# ]
#
# [tool.uv]
# override-dependencies = [
#     # For tables of Delta Lake, and for computers in an account, which this program does not use.
#     "deltalake; python_version < '3'",
#     "uv; python_version < '3'",
# ]
# ///
"""Define weather features for Tecton, and ask for them as they were at given moments."""

import argparse
import os
from datetime import datetime, timedelta
from pathlib import Path

# Without these, definitions are sent to a service in an account to be checked. The last two keep
# it from telling its makers what is called, and from looking for a computer of Amazon's around it.
os.environ |= {
    "TECTON_SKIP_OBJECT_VALIDATION": "true",
    "TECTON_BATCH_COMPUTE_MODE": "rift",
    "TECTON_OFFLINE_RETRIEVAL_COMPUTE_MODE": "rift",
    "TEST_WORKSPACE": "1",
    "AWS_EC2_METADATA_DISABLED": "true",
}

import pandas as pd
import ray
from tecton import (
    Attribute,
    BatchFeatureView,
    BatchSource,
    Entity,
    batch_feature_view,
    pandas_batch_config,
)
from tecton.types import Field, Float64, String
from tecton_core.errors import TectonValidationError

# Rift starts several programs of Ray, which listen to the network, and then answers without them,
# since all of this fits into one program.
ray.init = lambda **settings: None


def main() -> None:
    """Read what was asked, define the features, and write what they were."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weather", type=Path, help="Parquet file with a row an airport and hour")
    parser.add_argument("moments", type=Path, help="Parquet file: flight, origin, timestamp")
    parser.add_argument("answer", type=Path, help="Parquet file to write")
    parser.add_argument("--timestamp", default="time_hour", help="the column with the time")
    parser.add_argument("--ttl-hours", type=float, default=6)
    parser.add_argument("--schedule-hours", type=float, default=1)
    parser.add_argument("--online", metavar="ORIGIN", help="also try what is known now")
    options = parser.parse_args()
    view = define(options)
    moments = pd.read_parquet(options.moments)
    view.get_features_for_events(moments).to_pandas().to_parquet(options.answer)
    if options.online:
        try:
            print(view.get_online_features({"origin": options.online}).to_dict())
        except TectonValidationError as error:
            print(f"{type(error).__name__}: {error}")


def define(options: argparse.Namespace) -> BatchFeatureView:
    """Return the features: a view of a source, for an entity."""
    columns = pd.read_parquet(options.weather).columns
    names = [name for name in columns if name not in ("origin", options.timestamp)]

    @pandas_batch_config()
    def read() -> pd.DataFrame:
        return pd.read_parquet(options.weather)

    @batch_feature_view(
        sources=[BatchSource(name="observations", batch_config=read)],
        entities=[Entity(name="airport", join_keys=[Field("origin", String)])],
        mode="pandas",
        timestamp_field=options.timestamp,
        features=[Attribute(name, Float64) for name in names],
        feature_start_time=datetime(2012, 12, 1),
        batch_schedule=timedelta(hours=options.schedule_hours),
        ttl=timedelta(hours=options.ttl_hours),
    )
    def weather(observations: pd.DataFrame) -> pd.DataFrame:
        return observations

    return weather


if __name__ == "__main__":
    main()

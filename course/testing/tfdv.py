# Two tools of TensorFlow that cannot be installed beside the course, in one program for both.
#
#     uv run --script course/testing/tfdv.py --help
#
# uv reads the block below, makes an environment from it and from the lock beside this file, and
# runs the program in there. After a change of the block: uv lock --script course/testing/tfdv.py
#
# /// script
# requires-python = "==3.11.*"
# dependencies = [
#     "tensorflow-cpu==2.16.2",
#     "tensorflow-data-validation==1.16.1",
#     "tensorflow-model-analysis==0.47.1",
#     # Imported by them, and not in their lists.
#     "dill",
#     "google-crc32c",
#     "ipykernel",
#     "setuptools<81",
#     "tf-keras==2.16.0",
# ]
#
# [tool.uv]
# override-dependencies = [
#     # Without clients of Google's cloud, notebooks and pages, which this program does not need.
#     "apache-beam<2.73",
#     "google-api-python-client; python_version < '3'",
#     "google-cloud-aiplatform; python_version < '3'",
#     "jupyterlab; python_version < '3'",
#     "notebook; python_version < '3'",
#     "tensorboard; python_version < '3'",
#     "tensorflow-estimator; python_version < '3'",
#     "tensorflow-io-gcs-filesystem; python_version < '3'",
#     "widgetsnbextension; python_version < '3'",
#     # Only for building TensorFlow.
#     "libclang; python_version < '3'",
#     # The same as tensorflow-cpu, with 380 MB for graphics cards.
#     "tensorflow; python_version < '3'",
#     # Older ones have to be compiled.
#     "pyfarmhash>=0.5",
# ]
# ///
"""Statistics, schemas and anomalies of tables (TFDV), and evaluations of forecasts (TFMA).

Tables come in as Parquet files; schemas and configurations as protocol buffers in text form. What
is found goes to the standard output, as JSON.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import tempfile
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # TensorFlow would tell of the processor
os.environ["CUDA_VISIBLE_DEVICES"] = ""

TOOLS = ("tensorflow-data-validation", "tensorflow-model-analysis", "tensorflow-cpu", "pandas")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that matter."""
    return {"python": ".".join(platform.python_version_tuple()[:2])} | {
        name: importlib.metadata.version(name) for name in TOOLS
    }


def describe(tables: Path, folder: Path, first: str) -> dict[str, Any]:
    """Write the statistics of tables, and the schema that TFDV infers from those of one of them.

    Parameters
    ----------
    tables : Path
        A folder of Parquet files.
    folder : Path
        Where ``NAME.stats`` of each table and ``schema.pbtxt`` are written; it is made.
    first : str
        The name of the table from which the schema is inferred.

    Returns
    -------
    dict
        By name of the table, how many ``rows`` and ``columns`` it has, and ``features`` TFDV sees.
    """
    import pandas as pd
    import tensorflow_data_validation as tfdv

    folder.mkdir(parents=True, exist_ok=True)
    sizes = {}
    for table in sorted(tables.glob("*.parquet")):
        rows = pd.read_parquet(table)
        statistics = tfdv.generate_statistics_from_dataframe(rows)
        tfdv.write_stats_text(statistics, str(folder / f"{table.stem}.stats"))
        features = len(statistics.datasets[0].features)
        sizes[table.stem] = {"rows": len(rows), "columns": rows.shape[1], "features": features}
        if table.stem == first:
            schema = tfdv.infer_schema(statistics)
            tfdv.write_schema_text(schema, str(folder / "schema.pbtxt"))
    return sizes


def check(folder: Path, first: str, knowledge: Path | None) -> dict[str, Any]:
    """Compare the statistics of each table with the schema, and with those of the first table.

    Parameters
    ----------
    folder, first
        As for :func:`describe`, which has written there.
    knowledge : Path, optional
        A schema in text form, which says more of some features; it is merged into the inferred one.

    Returns
    -------
    dict
        By name of the table: ``anomalies`` and ``drift``, lists of objects.
    """
    import tensorflow_data_validation as tfdv
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

    schema = tfdv.load_schema_text(str(folder / "schema.pbtxt"))
    before = tfdv.load_stats_text(str(folder / f"{first}.stats"))
    if knowledge:
        features = {feature.name: feature for feature in schema.feature}
        more = text_format.Parse(knowledge.read_text(encoding="utf-8"), schema_pb2.Schema())
        for feature in more.feature:
            features[feature.name].MergeFrom(feature)
    measures = anomalies_pb2.DriftSkewInfo.Measurement.Type
    found = {}
    for path in sorted(folder.glob("*.stats")):
        if path.stem == first:
            continue
        now = tfdv.load_stats_text(str(path))
        anomalies = tfdv.validate_statistics(now, schema, previous_statistics=before)
        found[path.stem] = {
            "anomalies": [
                {"column": column, "what": reason.short_description, "detail": reason.description}
                for column, anomaly in sorted(anomalies.anomaly_info.items())
                for reason in anomaly.reason
            ],
            "drift": [
                {
                    "column": ".".join(info.path.step),
                    "measure": measures.Name(measurement.type),
                    "value": measurement.value,
                }
                for info in anomalies.drift_skew_info
                for measurement in info.drift_measurements
            ],
        }
    return found


def evaluate(table: Path, configuration: Path) -> dict[str, Any]:
    """Evaluate forecasts as a configuration says.

    Returns
    -------
    dict
        ``metrics``: the value of each metric of each slice; ``passed``: whether the whole gate is;
        and ``failures``: the metrics of slices that keep it shut.
    """
    import pandas as pd
    import tensorflow_model_analysis as tfma
    from google.protobuf import text_format
    from tensorflow_model_analysis.proto.config_pb2 import EvalConfig

    config = text_format.Parse(configuration.read_text(encoding="utf-8"), EvalConfig())
    with tempfile.TemporaryDirectory() as place:
        result = tfma.analyze_raw_data(pd.read_parquet(table), config, output_path=place)
        gate = tfma.load_validation_result(place)
    metrics = [
        {"slice": _name(key), "metric": metric, "value": float(value["doubleValue"])}
        for key, outputs in result.slicing_metrics
        for metric, value in outputs[""][""].items()
    ]
    failures = [
        {
            "slice": " ".join(
                f"{part.column}={part.bytes_value.decode()}"
                for part in one.slice_key.single_slice_keys
            ),
            "metric": failure.metric_key.name,
        }
        for one in gate.metric_validations_per_slice
        for failure in one.failures
    ]
    order = {"key": lambda row: (row["slice"], row["metric"])}
    return {
        "metrics": sorted(metrics, **order),
        "passed": gate.validation_ok,
        "failures": sorted(failures, **order),
    }


def _name(key: tuple[tuple[str, str], ...]) -> str:
    """Return the name of a slice; empty for all examples."""
    return " ".join(f"{column}={value}" for column, value in key)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    for function, arguments in {
        versions: {},
        describe: {"tables": Path, "folder": Path, "first": str},
        check: {"folder": Path, "first": str, "knowledge": Path},
        evaluate: {"table": Path, "configuration": Path},
    }.items():
        command = commands.add_parser(function.__name__, help=function.__doc__.splitlines()[0])
        command.set_defaults(function=function)
        for name, kind in arguments.items():
            command.add_argument(name, type=kind, nargs="?" if name == "knowledge" else None)
    words = vars(parser.parse_args())
    print(json.dumps(words.pop("function")(**words)))


if __name__ == "__main__":
    main()

"""The table of tools: up to date, and with every tool that the course promises."""

import pytest

from mlops_school.authoring import tool_table

# What the course promises to show, each for real or as far as it goes.
PROMISED = """
AI Fairness 360, Airflow, Azure ML, BentoML, CircleCI, DVC, Delta Lake, Docker, Evidently, FastAPI,
Feast, Fiddler, Flask, Git, GitHub Actions, GitLab CI, Grafana, Great Expectations, Jenkins, KServe,
Kafka, Kibana, Kubeflow Pipelines, Kubernetes, MLflow, Prometheus, PyTorch, S3, SageMaker,
Seldon MLServer, Spark, Spark Structured Streaming, TFDV, Tecton, TensorFlow,
TensorFlow Model Analysis, Vertex AI, Weights & Biases, gRPC, pytest, scikit-learn, whylogs
"""


def test_the_table_is_up_to_date():
    assert tool_table.PATH.read_text(encoding="utf-8") == tool_table.table()


@pytest.mark.parametrize("name", " ".join(PROMISED.split()).split(", "))
def test_a_promised_tool_has_a_row(name):
    assert any(line.startswith(f"| {name} |") for line in tool_table.table().splitlines())

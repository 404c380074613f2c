"""The shared package of NS AI School: MLOps.

One module for each thing that the course teaches, in the order of the lifecycle.
"""

import os

# The course sends nothing home. MLflow, Great Expectations and Evidently read this when they are
# imported, so it is set here, first.
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")  # no log of migrations in a lesson

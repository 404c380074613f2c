"""The shared package of NS AI School: MLOps.

One module for each thing that the course teaches, in the order of the lifecycle.
"""

import os

# The course sends nothing home. MLflow reads this when it is imported, so it is set here, first.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

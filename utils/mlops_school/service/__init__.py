"""The delay service: forecasts over HTTP.

``app`` says what it answers, ``guard`` limits and counts what comes in, ``refusals`` name what is
wrong, ``releases`` take another model while it runs, ``observe`` keeps the log and the metrics.
Beside it, for comparison: ``with_flask``, ``rpc`` (gRPC) and ``ready_made`` (MLflow).
"""

"""The delay service: forecasts over HTTP."""

"""The delay service for gRPC: its contract in ``delay.proto``, and the Python made from it."""

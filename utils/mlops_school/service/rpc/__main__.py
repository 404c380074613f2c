"""Serve a model package by gRPC: ``python -m mlops_school.service.rpc FOLDER``, on ``PORT``."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from pydantic import ValidationError

from mlops_school.forecasts import Flight, Forecaster, what_is_wrong
from mlops_school.model_package import ModelPackage
from mlops_school.servers import given_port
from mlops_school.service.rpc import delay_pb2, delay_pb2_grpc


class Delay(delay_pb2_grpc.DelayServicer):
    """Answers calls with a forecaster."""

    def __init__(self, forecaster: Forecaster) -> None:
        self._forecaster = forecaster

    def Ask(self, request: delay_pb2.Flight, context: grpc.ServicerContext) -> delay_pb2.Forecast:
        """Forecast one flight."""
        fields = {field.name: value for field, value in request.ListFields()}
        try:
            flight = Flight(**fields)
        except ValidationError as error:
            wrong = [what_is_wrong(entry) for entry in error.errors()]
            said = "; ".join(f"{entry['where']}: {entry['what']}" for entry in wrong)
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, said)
        (forecast,) = self._forecaster.forecast([flight])
        return delay_pb2.Forecast(**forecast.model_dump())


def main(folder: Path) -> None:
    """Serve the package of a folder until the process is ended."""
    server = grpc.server(ThreadPoolExecutor(max_workers=1))  # as in the service for HTTP
    delay_pb2_grpc.add_DelayServicer_to_server(Delay(Forecaster(ModelPackage.load(folder))), server)
    server.add_insecure_port(f"127.0.0.1:{given_port()}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

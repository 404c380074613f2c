"""Release 1 in KServe's Python server: ``python kserve_server.py FOLDER``, on the port ``PORT``."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pandas as pd
from kserve import InferOutput, InferRequest, InferResponse, Model
from kserve.errors import InvalidInput
from kserve.model_repository import ModelRepository
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.model_repository_extension import ModelRepositoryExtension
from kserve.protocol.rest.server import RESTServer
from kserve.utils.utils import generate_uuid

from mlops_school import open_inference
from mlops_school.features import FEATURES
from mlops_school.model_package import ModelPackage
from mlops_school.servers import given_port

DATATYPES = {open_inference.PROBABILITY: "FP64", open_inference.WARN: "BOOL"}


class Delay(Model):
    def load(self) -> bool:
        self.package = ModelPackage.load(Path(sys.argv[1]))
        self.ready = True
        return self.ready

    def predict(
        self, payload: Any, headers: Any = None, response_headers: Any = None
    ) -> dict | InferResponse:
        return self.v2(payload) if isinstance(payload, InferRequest) else self.v1(payload)

    def v1(self, payload: dict) -> dict:
        rows = payload["instances"]
        named = all(isinstance(row, dict) for row in rows)
        said = self.forecast(pd.DataFrame(rows, columns=None if named else FEATURES))
        return {"predictions": said[open_inference.PROBABILITY]}

    def v2(self, payload: InferRequest) -> InferResponse:
        said = self.forecast(payload.as_dataframe())
        outputs = [
            InferOutput(name, [len(said[name])], DATATYPES[name], said[name]) for name in said
        ]
        return InferResponse(payload.id or generate_uuid(), self.name, outputs)

    def forecast(self, table: pd.DataFrame) -> dict[str, list]:
        if problem := open_inference.problem(table):
            raise InvalidInput(problem)
        return open_inference.forecast(self.package, table)


def main() -> None:
    models = ModelRepository()
    delay = Delay("delay")
    delay.load()
    models.update(delay)
    # `ModelServer().start([delay])` would do all this, and listen to the whole network.
    server = RESTServer(
        "kserve.model_server:app", DataPlane(models), ModelRepositoryExtension(models), given_port()
    )
    server.config.host = "127.0.0.1"
    asyncio.run(server.start())


if __name__ == "__main__":
    main()

"""Release 1 as a model of MLServer: a runtime of our own, which reads a model package."""

from pathlib import Path

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, PandasCodec
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, InferenceResponse
from mlserver.utils import get_model_uri

from mlops_school import open_inference
from mlops_school.model_package import ModelPackage


class Trusting(MLModel):
    async def load(self) -> bool:
        self.package = ModelPackage.load(Path(await get_model_uri(self.settings)))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        table = self.decode_request(payload, default_codec=PandasCodec)
        said = open_inference.forecast(self.package, table)
        outputs = [NumpyCodec.encode_output(name, np.array(said[name])) for name in said]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)


class Careful(Trusting):
    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        try:
            table = self.decode_request(payload, default_codec=PandasCodec)
        except ValueError as error:
            raise InferenceError(f"the inputs make no table: {error}") from None
        if problem := open_inference.problem(table):
            raise InferenceError(problem)
        return await super().predict(payload)

"""The delay service as a service of BentoML: the lab on BentoML serves and packs it."""

from pathlib import Path

import bentoml

from mlops_school.forecasts import Flight, Forecast, Forecaster
from mlops_school.model_package import ModelPackage


@bentoml.service(name="delay", workers=1)
class DelayService:
    release = bentoml.models.BentoModel("delay:1")

    def __init__(self) -> None:
        self.forecaster = Forecaster(ModelPackage.load(Path(self.release.path)))

    @bentoml.api(batchable=True, max_batch_size=100, max_latency_ms=10_000)
    def forecast(self, flights: list[Flight]) -> list[Forecast]:
        return self.forecaster.forecast(flights)

    @bentoml.api
    def one(self, flight: Flight) -> Forecast:
        return self.forecaster.forecast([flight])[0]

    @bentoml.api(batchable=True)
    def hurried(self, flights: list[Flight]) -> list[Forecast]:
        return self.forecaster.forecast(sorted(flights, key=lambda flight: flight.departure))

    @bentoml.api
    def carries_its_code(self) -> bool:
        return Path(Forecaster.forecast.__code__.co_filename).is_relative_to(Path.cwd())

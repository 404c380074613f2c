"""Train again if need be, as a DAG of Airflow 3: check, train, compare, promote or stop.

Each task calls a function of `mlops_school.challenger`, where the work is done and tested. Put this
file into Airflow's folder of DAGs, in an environment that has `mlops-school`, and try one run
without a scheduler: `airflow dags test delay_retraining`. Without Airflow, the same steps are
`python -m mlops_school.challenger 8`.
"""

from datetime import UTC, datetime

from airflow.sdk import Param, dag, get_current_context, task


@dag(
    schedule="@monthly",
    start_date=datetime(2013, 7, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,  # two runs at once would move the same alias
    # The year is over, so the month is given, and not taken from the clock.
    params={"month": Param(8, type="integer", minimum=7, maximum=12)},
)
def delay_retraining() -> None:
    """Retrain the delay forecast."""

    @task
    def month() -> int:
        return get_current_context()["params"]["month"]

    @task.branch
    def check_drift(month: int) -> str:
        from mlops_school import challenger

        return "train_challenger" if challenger.reasons(month) else "keep_champion"

    @task
    def train_challenger(month: int) -> int:
        from mlops_school import challenger

        challenger.train(month)
        return month

    @task.branch
    def compare(month: int) -> str:
        from mlops_school import challenger

        return "promote" if challenger.follows(month) else "stop"

    @task
    def promote() -> str:
        from mlops_school import challenger

        return challenger.promote()

    @task
    def keep_champion() -> None:
        print("No trigger asks for a training.")

    @task
    def stop() -> None:
        print("The challenger is not shown to be cheaper. The champion stays.")

    asked = month()
    trained = train_challenger(asked)
    check_drift(asked) >> [trained, keep_champion()]
    compare(trained) >> [promote(), stop()]


delay_retraining()

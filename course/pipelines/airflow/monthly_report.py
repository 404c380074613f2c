"""Report on the flights of a month, as a DAG of Airflow 3: note, judge, act, report.

Two settings are wrong: the tool lab *Airflow* finds out which, and mends them.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.providers.papermill.operators.papermill import PapermillOperator
from airflow.sdk import Param, dag, get_current_context, task

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results"
CHANGE = 0.05  # of the share of late flights from one month to the next, which is worth a look

FILE = "ledger.csv"
MODE = "a"
RULE = "all_success"


@dag(
    schedule="@monthly",
    start_date=datetime(2013, 7, 1, tzinfo=UTC),
    catchup=False,
    params={"month": Param(8, type="integer", minimum=2, maximum=12)},
    render_template_as_native_obj=True,  # "{{ params.month }}" becomes a number, not text
    default_args={"retries": 1, "retry_delay": timedelta(seconds=1)},
)
def monthly_report() -> None:
    """Report on the flights of a month."""

    @task
    def note() -> float:
        from mlops_school import features

        context = get_current_context()
        month = context["params"]["month"]
        flights = (features.load_examples([number]) for number in (month - 1, month))
        before, late = (float(table[features.TARGET].mean()) for table in flights)
        with (RESULTS / FILE.format(month=month)).open(MODE, encoding="utf-8") as ledger:
            ledger.write(f"{month},{late:.3f}\n")
        if context["ti"].try_number == 1:  # a stand-in for a mail server that is slow today
            raise TimeoutError("the ledger is written, and nobody could be told")
        return abs(late - before)

    @task.branch
    def judge(change: float) -> str:
        return "investigate" if change > CHANGE else "carry_on"

    @task
    def investigate() -> None:
        print("Somebody looks into it.")

    @task
    def carry_on() -> None:
        print("The month was like the one before.")

    report = PapermillOperator(
        task_id="report",
        input_nb=str(HERE / "report.ipynb"),
        output_nb=str(RESULTS / "report-{{ params.month }}.ipynb"),
        parameters={"month": "{{ params.month }}"},
        trigger_rule=RULE,
    )
    judge(note()) >> [investigate(), carry_on()] >> report


monthly_report()

"""The small CI runner does what GitHub would do, or refuses and says what that is."""

import textwrap

import psutil
import pytest

from mlops_school import pipeline
from mlops_school.errors import CourseError
from mlops_school.operations import FOLDER
from mlops_school.repository import Repository

FILE = ".github/workflows/ci.yml"


@pytest.fixture
def run(tmp_path):
    """Return a function that commits a workflow, and other files, and runs it."""
    repository = Repository.create(tmp_path / "repository")

    def commit_and_run(jobs, top="on: push", files=(), **env):
        repository.write(FILE, f"{top}\njobs:\n{textwrap.indent(textwrap.dedent(jobs), '  ')}")
        for name, text in dict(files).items():
            repository.write(name, text)
        repository.commit("change")
        return pipeline.run(repository, env=env)

    commit_and_run.repository = repository
    return commit_and_run


def job(name, *steps, **keys):
    """Return a job in YAML, each step given as the text after its dash."""
    lines = [f"{name}:", "  runs-on: ubuntu-latest"]
    lines += [f"  {key.replace('_', '-')}: {value}" for key, value in keys.items()]
    lines += ["  steps:"]
    for step in steps:
        first, *rest = textwrap.dedent(step).strip().splitlines()
        lines += [f"    - {first}", *(f"      {line}" for line in rest)]
    return "\n".join(lines) + "\n"


def statuses(result):
    return [step.status for step in result.steps]


def workflow(jobs, top="on: push"):
    return f"{top}\njobs:\n{textwrap.indent(jobs, '  ')}"


def says(number):
    return f"run: python -c 'print({number})'"


FAIL = "run: python -c 'raise SystemExit(3)'"
GOOD = says(1)


# ---- running


def test_a_step_runs_with_this_python_and_its_output_is_kept(run):
    result = run(job("one", "name: Say\n" + says(7)))
    assert result.passed
    assert result.jobs == {"one": "passed"}
    assert result.log("one") == "7\n"
    assert result.table.to_dict("records") == [{"job": "one", "step": "Say", "status": "passed"}]


def test_a_step_without_a_name_has_that_of_its_command(run):
    assert run(job("one", GOOD, "uses: actions/checkout@v6")).table["step"].tolist() == [
        "python -c 'print(1)'",
        "checkout",
    ]


def test_what_comes_after_a_red_step_is_skipped(run):
    result = run(job("one", GOOD, FAIL, GOOD))
    assert not result.passed
    assert result.jobs == {"one": "failed"}
    assert statuses(result) == ["passed", "failed", "skipped"]


def test_commands_of_one_step_stop_at_the_first_that_fails(run):
    step = "run: |\n  # a remark\n  python -c 'print(1)'\n\n"
    step += "  python -c 'raise SystemExit(9)'\n  python -c 'print(2)'"
    result = run(job("one", step))
    assert statuses(result) == ["failed"]
    assert result.log("one") == "1\n"


def test_jobs_run_after_those_that_they_need_and_else_in_the_order_of_the_file(run):
    jobs = job("last", GOOD, needs="[b, a]") + job("b", GOOD, needs="c")
    result = run(jobs + job("a", GOOD) + job("c", GOOD))
    assert [*result.jobs] == ["a", "c", "b", "last"]


def test_who_needs_a_red_job_is_skipped_and_who_needs_that_one_too(run):
    jobs = job("test", FAIL) + job("package", GOOD, needs="test")
    result = run(jobs + job("deploy", GOOD, needs="package") + job("docs", GOOD))
    assert result.jobs == {
        "test": "failed",
        "package": "skipped",
        "deploy": "skipped",
        "docs": "passed",
    }
    assert result.log("deploy") == ""


@pytest.mark.parametrize("spelt", ["{}", "${{{{ {} }}}}"])
@pytest.mark.parametrize(
    ("condition", "after_good", "after_bad"),
    [
        ("success()", "passed", "skipped"),
        ("failure()", "skipped", "passed"),
        ("always()", "passed", "passed"),
    ],
)
def test_conditions_of_steps(spelt, condition, after_good, after_bad, run):
    step = f"if: {spelt.format(condition)}\n{GOOD}"
    assert statuses(run(job("one", GOOD, step)))[-1] == after_good
    assert statuses(run(job("one", FAIL, step)))[-1] == after_bad


@pytest.mark.parametrize(
    ("condition", "after_good", "after_bad"),
    [
        ("success()", "passed", "skipped"),
        ("failure()", "skipped", "passed"),
        ("always()", "passed", "passed"),
    ],
)
def test_conditions_of_jobs_look_at_all_that_came_before(condition, after_good, after_bad, run):
    def chain(step):
        jobs = job("a", step) + job("b", GOOD, needs="a", **{"if": "always()"})
        return run(jobs + job("c", GOOD, needs="b", **{"if": condition})).jobs["c"]

    assert chain(GOOD) == after_good
    assert chain(FAIL) == after_bad


def test_a_step_that_runs_anyway_makes_nothing_good(run):
    result = run(job("one", FAIL, f"if: always()\n{GOOD}", GOOD))
    assert statuses(result) == ["failed", "passed", "skipped"]
    assert result.jobs == {"one": "failed"}


def test_a_step_for_failures_runs_after_a_red_job_too(run):
    jobs = job("test", FAIL)
    jobs += job("tidy", GOOD, f"if: failure()\n{GOOD}", needs="test", **{"if": "always()"})
    assert statuses(run(jobs)) == ["failed", "passed", "passed"]


def test_a_step_that_may_fail_stops_nothing(run):
    jobs = job("a", f"continue-on-error: true\n{FAIL}", GOOD) + job("b", GOOD, needs="a")
    result = run(jobs)
    assert statuses(result) == ["failed, but may", "passed", "passed"]
    assert result.passed


def test_a_job_begins_in_an_empty_folder_which_the_checkout_fills(run):
    look = "run: python -c 'import os; print(os.listdir())'"
    result = run(job("one", look, "uses: actions/checkout@v6", look) + job("two", look))
    before, after = result.log("one").splitlines()
    assert before == result.log("two").strip() == "[]"
    assert ".github" in after
    assert ".git'" not in after


def test_the_version_that_is_asked_for_is_run_and_not_what_lies_in_the_folder(run):
    repository = run.repository
    tell = job("one", "uses: actions/checkout@v6", "run: python tell.py")
    run(tell, files={"tell.py": "print('old')\n"})
    repository.tag("v1")
    assert run(tell, files={"tell.py": "print('new')\n"}).log("one") == "new\n"
    repository.write("tell.py", "print('not committed')\n")
    repository.write(FILE, "nonsense")
    assert pipeline.run(repository).log("one") == "new\n"
    old = pipeline.run(repository, "v1")
    assert old.log("one") == "old\n"
    assert old.commit == repository.resolve("v1")


SHOW = "shell: python\nrun: |\n  import os\n  print(os.environ.get('A'), os.environ.get('B'))"


def test_the_nearest_env_wins(run):
    top = "on: push\nenv:\n  A: top\n  B: top"
    inside = {"env": "{A: job}"}
    result = run(job("one", SHOW, SHOW + "\nenv:\n  A: step", **inside), top, A="runner", B="r")
    assert result.log("one") == "job top\nstep top\n"
    assert run(job("one", SHOW), A="runner").log("one") == "runner None\n"


@pytest.mark.parametrize(
    ("value", "seen"),
    [("0.2", "0.2"), ("true", "true"), ("yes", "yes"), ("off", "off"), ("'1'", "1")],
)
def test_values_of_env_are_texts(value, seen, run):
    show = "run: python -c 'import os; print(os.environ[\"A\"])'"
    assert run(job("one", f"{show}\nenv:\n  A: {value}")).log("one") == f"{seen}\n"


def test_the_commit_is_known_to_the_steps(run):
    show = 'run: python -c \'import os; print(os.environ["CI"], os.environ["GITHUB_SHA"])\''
    result = run(job("one", show))
    assert result.log("one") == f"true {result.commit}\n"


def test_an_expression_of_env_is_put_into_a_command(run):
    step = "run: python -c 'print(${{ env.N }}, \"${{env.nothing}}\")'\nenv:\n  N: 42"
    assert run(job("one", step)).log("one") == "42 \n"


def test_a_step_can_work_in_a_folder_of_the_job(run):
    step = "working-directory: ./deep/down\nrun: python -c 'import os; print(os.listdir())'"
    checkout = "uses: actions/checkout@v6"
    result = run(job("one", checkout, step), files={"deep/down/file.txt": ""})
    assert result.log("one") == "['file.txt']\n"


@pytest.mark.parametrize("folder", ["nowhere", "..", "/"])
def test_a_folder_that_is_not_in_the_job_fails_the_step(folder, run):
    result = run(job("one", f"working-directory: {folder}\n{GOOD}"))
    assert statuses(result) == ["failed"]
    assert f"no folder {folder}" in result.log("one")


def test_a_program_that_is_not_there_fails_the_step(run):
    result = run(job("one", "run: no-such-program --help"))
    assert statuses(result) == ["failed"]
    assert "no program 'no-such-program'" in result.log("one")


def test_a_step_that_takes_too_long_is_stopped_with_all_that_it_started(run, monkeypatch):
    monkeypatch.setattr(pipeline, "STEP_SECONDS", 2)
    step = """\
    shell: python
    run: |
      import subprocess, sys
      child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)"])
      print(child.pid, flush=True)
      child.wait()
    """
    result = run(job("one", step, GOOD))
    assert statuses(result) == ["failed", "skipped"]
    child, *rest = result.log("one").splitlines()
    assert rest == ["", "Stopped: not done after 2 seconds."]
    assert not psutil.pid_exists(int(child)) or psutil.Process(int(child)).status() == "zombie"


def test_of_a_long_output_the_end_is_kept(run):
    result = run(job("one", 'run: python -c \'print("x" * 10**6, "end")\''))
    assert len(result.steps[0].output) == pipeline.OUTPUT_BYTES
    assert result.log("one").endswith("x end\n")


def test_errors_are_in_the_output_and_temporary_places_are_not(run):
    step = "run: python wrong.py"
    result = run(job("one", "uses: actions/checkout@v6", step), files={"wrong.py": "1 / 0  # ü\n"})
    assert "ZeroDivisionError" in result.log("one")
    assert "1 / 0  # ü" in result.log("one")
    assert 'wrong.py"' in result.log("one")
    assert "/tmp" not in result.log("one").replace("\\", "/")


def test_an_unknown_job_has_no_log(run):
    with pytest.raises(CourseError, match=r"no job 'two'. The jobs are: one"):
        run(job("one", GOOD)).log("two")


def test_a_version_without_the_workflow_is_reported(run):
    run.repository.write("file.txt", "")
    run.repository.commit("no workflow")
    with pytest.raises(CourseError, match=r"no \.github/workflows/ci\.yml in this version"):
        pipeline.run(run.repository)
    with pytest.raises(CourseError, match="no version 'v9'"):
        pipeline.run(run.repository, "v9")


# ---- reading


def test_the_workflow_of_the_service_is_understood():
    text = (FOLDER / FILE).read_text(encoding="utf-8")
    found = pipeline.read(text)
    assert found.name == "Delay service"
    assert found.triggers == ("push",)
    assert [(one.id, one.needs) for one in found.jobs] == [("test", ()), ("package", ("test",))]


@pytest.mark.parametrize(
    ("on", "triggers"),
    [
        ("on: push", ("push",)),
        ("on: [push, pull_request]", ("push", "pull_request")),
        ("on:\n  push:\n  pull_request:", ("push", "pull_request")),
        ("'on': push", ("push",)),
    ],
)
def test_on_is_a_word_and_not_a_truth(on, triggers):
    assert pipeline.read(workflow(job("one", GOOD), on)).triggers == triggers


@pytest.mark.parametrize(
    ("top", "message"),
    [
        ("name: no trigger", "no `on`"),
        ("on: true", "name of an event"),
        ("true: push", "no key `True`"),
        ("on: [push, 3]", "name of an event"),
        ("on:\n  push:\n    branches: [main]", "only for the branches"),
        ("on: push\npermissions: read-all", "`permissions`.*would limit"),
        ("on: push\nconcurrency: one", "`concurrency`.*cancel"),
        ("on: push\nenvs: {}", "no key `envs`.*Do you mean `env`"),
        ("on: push\nenv: A", "names with values"),
        ("on: push\nenv:\n  A: [1]", "A must be a text"),
        ("on: push\nenv:\n  A: ${{ secrets.A }}", r"cannot do \$\{\{ secrets.A"),
        ("on: push\non: pull_request", "has on twice"),
        ("on: [push", "not valid YAML"),
        ("on: push\n\tname: x", "not valid YAML"),
    ],
)
def test_faults_of_the_whole_are_refused_by_name(top, message):
    with pytest.raises(CourseError, match=message):
        pipeline.read(workflow(job("one", GOOD), top))


@pytest.mark.parametrize("text", ["", "just words", "- a\n- list", "on: push", "on: push\njobs:"])
def test_what_is_no_workflow_is_refused(text):
    with pytest.raises(CourseError):
        pipeline.read(text)


@pytest.mark.parametrize(
    ("jobs", "message"),
    [
        (job("one", GOOD, strategy="{matrix: {x: [1, 2]}}"), "`strategy`.*each combination"),
        (job("one", GOOD, services="{db: {image: x}}"), "`services`.*containers beside"),
        (job("one", GOOD, container="x"), "`container`.*inside a container"),
        (job("one", GOOD, timeout_minutes="3"), "`timeout-minutes`"),
        (job("one", GOOD, need="two"), "no key `need`.*Do you mean `needs`"),
        (job("one", GOOD, needs="two"), "needs two, which is no job.*are: one"),
        (job("one", GOOD, needs="3"), "name one job"),
        (job("one", GOOD, needs="one"), "for ever: one needs one"),
        (
            job("a", GOOD, needs="c") + job("b", GOOD, needs="a") + job("c", GOOD, needs="b"),
            r"for ever: (a needs c needs b needs a|b needs a needs c|c needs b needs a)",
        ),
        (job("one", GOOD) + job("one", GOOD), "has one twice"),
        (job("1st", GOOD), "cannot be called '1st'"),
        (job("one", GOOD, **{"if": "github.ref == 'x'"}), "cannot do `if: github.ref"),
        ("one:\n  steps:\n    - run: python\n", "lacks `runs-on`"),
        ("one:\n  runs-on: x\n", "no `steps`"),
        ("one:\n  runs-on: x\n  steps: python\n", "no `steps`"),
        ("one:\n  runs-on: x\n  steps: [python]\n", "names with values"),
        ("one: two\n", "names with values"),
        ("one:\n  uses: a/b/.github/workflows/x.yml@v1\n", "`uses`"),
    ],
)
def test_faults_of_jobs_are_refused_by_name(jobs, message):
    with pytest.raises(CourseError, match=message):
        pipeline.read(workflow(jobs))


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("uses: actions/setup-python@v6\nwith:\n  python-version: '3.13'", "setup-python.*fetch"),
        ("uses: ./mine", r"`uses: \./mine`"),
        ("uses: actions/checkout@v6\nwith:\n  fetch-depth: 0", "`with`.*inputs"),
        ("uses: actions/checkout@v6\nrun: python", "exactly one"),
        ("name: nothing", "exactly one"),
        ("run: ''", "is a command"),
        ("run: [python]", "is a command"),
        ("id: x\nrun: python", "`id`.*later steps"),
        ("shell: bash\nrun: python", "`shell: bash`"),
        ("continue-on-error: maybe\nrun: python", "true or false"),
        ("runs: python", "no key `runs`.*Do you mean `run`"),
        ("run: python\nif: cancelled()", "cannot do `if: cancelled"),
        ("run: python ${{ matrix.x }}", r"cannot do \$\{\{ matrix.x"),
        ("run: python -c '${{ github.sha }}'", "github.sha"),
        ("run: python a.py | sort", "no shell, and |"),
        ("run: python a.py && python b.py", "no shell, and &"),
        ("run: python a.py > out.txt", "no shell, and >"),
        ("run: python $HOME/a.py", r"no shell, and \$"),
        ('run: python "$HOME/a.py"', r"no shell, and \$"),
        ("run: python *.py", r"no shell, and \*"),
        ("run: python `pwd`", "no shell, and `"),
        (r"run: python a\b.py", "no shell, and"),
        ("run: python 'a.py", "not closed"),
    ],
)
def test_faults_of_steps_are_refused_by_name(step, message):
    with pytest.raises(CourseError, match=message):
        pipeline.read(workflow(job("one", step)))


def test_between_quotation_marks_words_of_a_shell_are_harmless():
    for command in ("python -c 'print(2 * 3 > $x)'", 'python -c "print(2 * 3 > 4)"'):
        assert pipeline.read(workflow(job("one", f"run: |\n  {command}"))).jobs[0].steps[0].run
    script = "shell: python\nrun: |\n  print(2 * 3)  # $HOME | `x`"
    assert pipeline.read(workflow(job("one", script))).jobs[0].steps[0].python


def test_a_fault_is_found_before_anything_runs(run, tmp_path):
    made = tmp_path / "made"
    write = f'run: python -c \'open(r"{made}", "w")\''
    with pytest.raises(CourseError, match="strategy"):
        run(job("one", write) + job("two", GOOD, strategy="{}"))
    assert not made.exists()
    run(job("one", write))
    assert made.exists()

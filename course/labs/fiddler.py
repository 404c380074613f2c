# %% [markdown] id="why"
# ## Why it matters
#
# In lesson 14 you watched one model with a file of rules and some functions. A company with two hundred models buys a
# platform for that. **Fiddler** is one: you describe each model to it, send it what comes in and what the model answers,
# and it draws drift, broken data and performance of all models on the same pages, and sends alerts.
#
# **Fiddler runs at its makers' or in a company's own data centre, and both need an account**, which a course cannot ask of
# you. So the platform is not here, and no picture of it is made up. What is real is Fiddler's client: you describe the
# model of the course with it, find out which mistakes it notices, and see what it would send, and to whom. What the platform
# would *compute* from our flights, you compute yourself.
#
# Nothing leaves your computer: this client speaks to the address that it is given, and we give it one on this computer. (We
# have looked for telemetry in version 3.14, and found none.)

# %% tags=["parameters"] id="imports"
from mlops_school import data, drift, fiddler_door, labs, plots

labs.require("fiddler")

import logging
import warnings

import fiddler as fdl
import numpy as np
import pandas as pd

from mlops_school.exercises import ____
from mlops_school.exercises.labs.fiddler import q1, q2
from mlops_school.features import FEATURES, TARGET, load_examples

logging.getLogger("fiddler").setLevel(logging.CRITICAL)  # its lines tell the time
warnings.filterwarnings("ignore", "is_categorical_dtype")  # for Fiddler's authors

# %% [markdown] id="schema-intro"
# ## Describe the data
#
# A **schema** says of each column which type it has, and what its values may be. The client makes one from a table, without
# any platform. We take the flights from which release 1 has learned, January to April.

# %% id="schema"
learned = load_examples((1, 2, 3, 4))[[*FEATURES, TARGET]]
schema = fdl.create_columns_from_df(learned)


def show(schema):
    rows = [(one.name, one.data_type.value, one.min, one.max) for one in schema.columns]
    return pd.DataFrame(rows, columns=["column", "type", "min", "max"]).set_index("column")


show(schema)

# %% [markdown] id="category-intro"
# A schema that was *inferred* says what was there, not what is meant. Two things are wrong here. The carrier is `str`, which
# is text such as a customer's comment, with no list of values to hold it against; it is meant as a **category**. The other
# one is in the numbers, and we come to it below. First the categories.

# %% id="category"
texts = ["carrier", "origin", "dest", "weekday"]
schema = fdl.create_columns_from_df(learned.astype(dict.fromkeys(texts, "category")))
schema["probability"] = fdl.Column(name="probability", data_type="float", min=0, max=1)
for name in texts:
    print(f"{name:8} {schema[name].data_type.value}, {len(schema[name].categories)} values")

# %% [markdown] id="model-intro"
# ## Describe the model
#
# A **spec** says which *role* each column has: what goes in, what comes out, and what turned out to be true (`targets`, which
# come later, like all labels). The model joins both. As there is no account, there is no project; a made-up number stands
# for it.

# %% id="model"
spec = fdl.ModelSpec(inputs=list(FEATURES), outputs=["probability"], targets=[TARGET])
model = fdl.Model(
    name="delay",
    project_id=fiddler_door.NONE,
    schema=schema,
    spec=spec,
    task=fdl.ModelTask.BINARY_CLASSIFICATION,
)
print(model.name, "-", model.task.value, "-", len(model.spec.inputs), "inputs; its id:", model.id)

# %% [markdown] id="mistakes-intro"
# ### Break it: what does the client notice?
#
# It has no id, since the platform gives it one. Until then, the client is all that can warn you. Here are eight mistakes that
# are easily made.

# %% id="mistakes"
attempts = {
    "a type that does not exist": lambda: fdl.Column(name="temp", data_type="number"),
    "a name in the place of a list": lambda: fdl.ModelSpec(inputs="temp"),
    "a condition that does not exist": lambda: fiddler_door.rule(fdl, condition="smaller"),
    "a role that does not exist": lambda: fdl.ModelSpec(input=["temp"]),
    "an input that is not in the schema": lambda: fdl.ModelSpec(inputs=["temperature"]),
    "the least above the greatest": lambda: fdl.Column(name="t", data_type="int", min=9, max=1),
    "a formula with half a bracket": lambda: fdl.CustomMetric("c", fiddler_door.NONE, "sum(c"),
    "an AUC of 70 (for 0.70)": lambda: fiddler_door.rule(fdl, critical_threshold=70),
}
for mistake, attempt in attempts.items():
    print(f"{mistake:36} {fiddler_door.outcome(attempt)}")

# %% [markdown] id="door-intro"
# Two are refused, and six are taken. A misspelt role is simply dropped, and the model has no inputs. The two that it finds
# are about types. What the *names* mean, how the formula reads and which conditions there are, only the platform could say,
# and we do not know what it says. So test such definitions yourself, like any code.
#
# ## Knock at the door
#
# A connection needs an address and a token, which is the secret of an account. Our address is a *door* that the course has
# put up on this computer: it keeps what it is sent and answers 401, "I do not know you", to everything. That is what any
# server says to a wrong token; the words are ours.

# %% id="door"
door = fiddler_door.Door()
given = {"url": door.address, "token": "not-a-token", "auto_attach_log_handler": False}
try:
    fdl.init(**given)
except fdl.ApiError as error:
    print(type(error).__name__, "-", error)
knock = door.sent[-1]
print(knock.method, knock.path)
print(*sorted(name for name in knock.headers if name.startswith(("Auth", "X-"))), sep="\n")

# %% [markdown] id="send-intro"
# Before anything else, the client asks for the version of the server. With it go the token, and the versions of the client and
# of your Python. (With an address where nobody answers, it tries again for five minutes. The environment variable
# `FIDDLER_CLIENT_RETRY_MAX_DURATION_SECONDS` makes that shorter.)
#
# What would be sent next? With `validate=False` the client leaves out the first question, so we can look at the others. A
# colleague in a hurry publishes three flights, from the table that is at hand.

# %% id="send"
fdl.init(**given, validate=False)
print("to create the model:", fiddler_door.outcome(model.create))
print("  ", sorted(name for name, value in fiddler_door.body(door.sent[-1]).items() if value))

model.id = fiddler_door.NONE
flights = data.load_flights([7]).head(3)
print("to publish flights: ", fiddler_door.outcome(lambda: model.publish(source=flights)))
columns = fiddler_door.sent_columns(door.sent[-1])
roles = [*spec.inputs, *spec.outputs, *spec.targets]
print("  ", len(columns), "columns, not in the spec:", [c for c in columns if c not in roles])

# %% [markdown] id="violations-intro"
# The model goes as a description. The flights go as a file, *whole*: the spec says what a column is for, and not what may
# leave your company. Take the columns that you want to send yourself: `table[roles]`. (The registration of an aircraft
# tells of no person. The next table may have a column that does.)
#
# ## Broken data
#
# For each column, the platform counts what is *missing*, what has the wrong *type*, and what is out of the **range** of the
# schema. The last is a line of pandas; `fiddler_door.violations` has it for all columns. What does the inferred schema say of the
# months after April, in which nothing was broken?

# %% id="violations"
months = {month: load_examples((month,)) for month in range(5, 13)}
found = {month: fiddler_door.violations(table, schema.columns) for month, table in months.items()}
found = pd.DataFrame(found).rename_axis(columns="month")
found[(found > 0.01).any(axis=1)].mul(100).round(1)

# %% [markdown] id="q1-task"
# Percent of the flights: in July, more than a quarter has a temperature "out of range", and more than three quarters a dew
# point. An alert on that would ring from May to October, about summer. The schema has taken the warmest day of *four cold months* for a
# law of nature.
#
# ### Exercise 1: ranges that mean something
#
# Write `limits`, a dictionary with the smallest and the largest value, as in `{"temp": (10.94, 84.02), ...}`, for
#
# - `temp`, in degrees Fahrenheit: in New York, between -15 and 106 were measured in a hundred and fifty years;
# - `humid`, the relative humidity, in percent;
# - `minute_of_day`, of the planned departure: 0 is midnight.
#
# What is possible has to be inside, also if it has not been seen yet. A value that cannot be true has to be outside: a broken
# sensor says 999 or -999, and a feed that gives humidity as 1013 has taken the wrong column.

# %% id="q1"
### BEGIN SOLUTION
limits = {"temp": (-40, 130), "humid": (0, 100), "minute_of_day": (0, 1439)}
### END SOLUTION
q1.check(limits, learned)
# q1.hint()
# q1.solution()

# %% [markdown] id="q2-task"
# ## Drift
#
# Fiddler offers two numbers for drift: PSI, which you know from lesson 14, and the **Jensen-Shannon distance** (JSD). With $t$ and
# $n$ for the shares of the bins then and now, and $m = (t + n) / 2$ between them:
#
# $$\text{JSD} = \sqrt{\tfrac12 \sum t \log_2 \frac{t}{m} + \tfrac12 \sum n \log_2 \frac{n}{m}}$$
#
# It is 0 if nothing has changed, and 1 if no bin is in both. It has a limit, which PSI does not, and an empty bin does no harm:
# where a share is 0, its summand counts as 0. (How the platform cuts the bins, and which logarithm it takes, cannot be
# checked here. A threshold belongs to one way of counting.)
#
# ### Exercise 2: JSD by hand
#
# Write `jsd(then, now)`. Both are NumPy arrays of shares of the same bins, and some may be 0.


# %% id="q2"
def jsd(then, now):
    ### BEGIN SOLUTION
    middle = (then + now) / 2

    def divergence(shares):
        some = shares > 0
        return np.sum(shares[some] * np.log2(shares[some] / middle[some]))

    return np.sqrt((divergence(then) + divergence(now)) / 2)
    ### END SOLUTION


q2.check(jsd)
# q2.hint()
# q2.solution()

# %% [markdown] id="baseline-intro"
# ### Against what?
#
# What "then" is, Fiddler calls a **baseline**, and it knows two kinds. A *static* one stays: the months of training. A *rolling* one
# moves along: always the month before. Here are both for the temperature (the package's own function, in case you are
# still at it).

# %% id="baseline"
rows = {}
for month in range(6, 13):
    baselines = {
        "static: January to April": learned,
        "rolling: the month before": months[month - 1],
    }
    now = months[month]["temp"]
    rows[month] = {name: drift.jsd(then["temp"], now) for name, then in baselines.items()}
distances = pd.DataFrame(rows).T.rename_axis("month")
axes = distances.plot(style=["o-", "s--"], ylim=(0, 1), ylabel="JSD of the temperature")
plots.show(axes.figure, f"JSD of the temperature. {fiddler_door.in_words(distances)}")
print(distances.round(2))

# %% [markdown] id="rules-intro"
# In summer, the static baseline says "not at all like what was learned", and in December it is calm: it is cold again. The
# rolling one is highest in November, when it gets cold as in every year. Neither is wrong, they answer different questions.
# *Is this what the model has learned?* needs the static one. *Has something broken since last month?* needs the rolling one,
# and it may miss what changes slowly, since it moves along.
#
# Neither has anything to say of July, in which R3 was broken first, and the static one is lowest in December, when mistakes
# cost the most (lesson 14). Only labels show that. So the rule that we would set up first is about them. (The name `auc` is a
# guess: which metrics there are, the platform tells, and the client takes any name.)

# %% id="rules"
rule = fiddler_door.rule(fdl)
for name in ["name", "metric_id", "condition", "critical_threshold", "bin_size", "compare_to"]:
    value = getattr(rule, name)
    print(f"{name:20} {getattr(value, 'value', value)}")
print("to create it:       ", fiddler_door.outcome(rule.create))
door.stop()

# %% [markdown] id="recap"
# ## What is what
#
# | Fiddler | in the course |
# |---|---|
# | schema, data integrity | the expectations and the gate of lesson 06; they stop a month, and do not only count |
# | baseline | `learned()` in lesson 14, static |
# | drift: JSD, PSI | `drift.psi`, its rule `DelayInputsDrift` without the weather |
# | performance | `delay_month_roc_auc`, and the rule for R3 |
# | custom metric, a formula | dollars per flight, R2 |
# | segment, a part of the rows | small destinations, R7 |
# | alert rule, by hour, day, week or month | `alerts.yml`, tested by `promtool`; here nothing tests a rule before it is there |
# | what is done about it | the runbook and the retraining of lesson 15; no platform does that for you |
#
# The right column is what you have seen. The left one is from Fiddler's documentation and its client; **the platform itself was
# not tried.** What an account costs and what it may do with your data stands in the contract, and not in a client.
#
# ## When is it worth it?
#
# With a few models, a file of rules and some functions do the same, are tested, and nothing leaves the house. With many models
# and many teams, one place and one language for all of them is worth money, and so are explanations and pages that you do
# not have to build. Before you sign, ask which questions of *your* requirements it answers; here, the decisive ones need labels.
#
# ## What you take with you
#
# - **An inferred schema tells what was.** Ranges, categories and roles are decisions, and yours.
# - **A client checks types.** What names, formulas and thresholds mean, you test yourself.
# - **Know what is sent before you send it**: the table goes whole, whatever the spec says.
# - **A baseline is a question.** Static: is it as learned? Rolling: has it changed since? Slow change is invisible to the second.

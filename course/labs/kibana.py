# %% [markdown] id="why"
# ## Why it matters
#
# In lesson 12, one service wrote a log, and you read it with pandas. Now think of fifty services, written by many
# teams, on machines that come and go. Their lines are sent to one store, **Elasticsearch**, which finds any of them
# within seconds, and people look at it with **Kibana**. That works if a status is called the same in every line, and
# if the dashboard asks for what is there. If not, a panel is empty. And an empty panel looks just like a quiet night.
#
# Two things are real in this lab: the service with its log, and Elastic's own formatter for Python. **Elasticsearch
# and Kibana do not run here.** SQLite and pandas take the place of the one, and for the other you make and check the
# very file that it imports. How the real ones start stands at the end.

# %% tags=["parameters"] id="imports"
from mlops_school import champion, kibana, labs, plots, servers, visitors

labs.require("kibana")

import json
import sqlite3
import sys

import pandas as pd
from ecs_logging import StdlibFormatter

from mlops_school.exercises import ____
from mlops_school.exercises.labs.kibana import q1, q2
from mlops_school.paths import new_folder

# %% [markdown] id="lines-intro"
# ## The lines of the service
#
# We start the service, let kiosks, an app and a display ask it, and take what it has written. A line has its time, an
# id and the milliseconds taken, too; they differ from run to run, so they are not printed.

# %% id="lines"
command = [sys.executable, "-m", "mlops_school.service", str(champion.folder())]
with servers.Server(command) as server:
    visitors.send_morning(server.address)
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]

lines = [line for line in lines if line["path"] == "/forecast"]
changing = {"time", "request_id", "milliseconds"}
print(len(lines), "lines about forecasts; the last one:")
for name, value in lines[-1].items():
    print(f"    {name:12} {'...' if name in changing else value!r}")

# %% [markdown] id="naive-intro"
# ## One language for all logs
#
# The next team calls it `code` or `http_status` instead of `status`, and measures in seconds. The **Elastic Common
# Schema** (**ECS**) is a list of names, with a type and a unit for each: `http.response.status_code` is a whole
# number, in every log. Elastic's package `ecs-logging` brings a formatter for Python's `logging` that writes such
# documents.
#
# ### Break it: just switch it on
#
# We give the formatter the line as it is: a text.

# %% id="naive"
naive = StdlibFormatter().format(kibana.record(lines[-1] | {"event": json.dumps(lines[-1])}, {}))
document = kibana.flat(json.loads(naive))
print(*sorted(document), sep="\n")
print("\nthe message is a", type(document["message"]).__name__)
print("fields with the status:", [name for name in document if "status" in name])

# %% [markdown] id="q1-task"
# That is a valid document of ECS, and of no use: the status is somewhere inside a long text. What else it has is about
# our Python program: which process, which thread. Every fact must be given as a field of its own.
#
# For most, another name will do: `status` is `http.response.status_code`, `path` is `url.path`, `method` is
# `http.request.method`. What ECS has no name for, such as the release of a model, goes below a name of ours:
# `delay.release`. Two facts need more:
#
# | ours | in ECS |
# |---|---|
# | `milliseconds`, such as 12.7 | `event.duration`, in *nanoseconds*, with the type `long`: a whole number |
# | `client`, such as `kiosk/1.0` | `user_agent.name` and `user_agent.version`, two texts |
#
# ### Exercise 1: measured as others do
#
# Write `measured(line)`, which returns a dictionary with these three fields. A client can also be `unknown`, with no
# stroke and no version. Then the version is `None`, and the formatter leaves that out.


# %% id="q1"
def measured(line):
    ### BEGIN SOLUTION
    name, _, version = line["client"].partition("/")
    return {
        "event.duration": round(line["milliseconds"] * 1_000_000),
        "user_agent.name": name,
        "user_agent.version": version or None,
    }
    ### END SOLUTION


q1.check(measured)
# q1.hint()
# q1.solution()

# %% [markdown] id="ship-intro"
# `kibana.fields` of the course does all of it. The formatter gets the fields beside a short message, says whose log it
# is, and leaves out what is about our program.

# %% id="ship"
noise = ["log.original", "log.origin", "process"]
formatter = StdlibFormatter(extra={"service.name": "delay-service"}, exclude_fields=noise)


def to_document(line):
    return json.loads(formatter.format(kibana.record(line, kibana.fields(line))))


document = kibana.flat(to_document(lines[-1]))
hidden = {"@timestamp", "http.request.id", "event.duration"}
for name, value in sorted(document.items()):
    print(f"{name:26} {'...' if name in hidden else value!r}")

# %% [markdown] id="allowed-intro"
# Every fact can be asked for now, and `http.response.status_code` is a number. Do not leave that to chance: for a
# field that it has no rule for, Elasticsearch takes the type from the first value that comes. If that is the text
# `"422"`, no later query can ask for "400 or more" of it as for numbers.
#
# ## Nothing about people
#
# ECS also has names for what lesson 12 keeps out of the log: `client.ip`, `user.email`, `user_agent.original`. A
# schema does not say what you may collect. So keep a list of the fields that are *allowed*, and let a test compare.
# A colleague would like to know more about the callers:

# %% id="allowed"
curious = kibana.fields(lines[-1]) | {
    "client.ip": "203.0.113.7",
    "user_agent.original": "board/2.1 (gate B12, login mary)",
}
for name, given in {"ours": kibana.fields(lines[-1]), "the colleague's": curious}.items():
    written = kibana.flat(json.loads(formatter.format(kibana.record(lines[-1], given))))
    print(f"{name}: not allowed are", sorted(set(written) - kibana.ALLOWED))

# %% [markdown] id="client-intro"
# A list of what is *forbidden* would have to foresee every idea. The list of what is allowed need not.
#
# ## An incident
#
# A morning of fifty requests is soon understood. So here are two hours with 2,400 of them, and the checks of health in
# between. **These lines are made up** by a program, in the form of the service's own, so that they are the same for
# everybody. At 13:00 something changes: users complain.
#
# First question: who is refused? In Kibana you would write the query `http.response.status_code >= 400` and count by
# client. Here SQLite answers, on a table with a column for each field.

# %% id="client"
made_up = kibana.incident_lines()
print("the same names as in the real lines:", {*map(tuple, made_up)} == {tuple(lines[-1])})

documents = [to_document(line) for line in made_up]
log = kibana.table(documents)
question = """
SELECT "user_agent.name" AS name, "user_agent.version" AS version, count(*) AS lines,
    sum("http.response.status_code" >= 400) AS refused, max("delay.wrong") AS wrong
FROM log GROUP BY 1, 2 ORDER BY sum("http.response.status_code" >= 400) * 1.0 / count(*) DESC"""
database = sqlite3.connect(":memory:")
log.to_sql("log", database, index=False)
print(pd.read_sql(question, database).to_string(index=False))
database.close()

# %% [markdown] id="latency-intro"
# The kiosks have the most refusals, and they are people who mistype. The *share* finds the broken client: version
# 2.2 of the display, which sends its `departure` wrongly. Version 2.1 did not. That is why it was worth giving name
# and version a field each.
#
# Second question: who waits? R5 wants 95 of 100 requests answered within 200 milliseconds. The **95th percentile** is
# the time within which 95 of 100 are. (Here pandas computes it exactly. Elasticsearch estimates it, which takes far
# less memory when there are billions of lines.)

# %% id="latency"
forecasts = kibana.matching(log, 'url.path : "/forecast"')
milliseconds = forecasts["event.duration"] / 1e6
by_release = milliseconds.groupby(forecasts["delay.release"])
print(by_release.describe(percentiles=[0.5, 0.95])[["count", "mean", "50%", "95%"]].astype(int))

start = pd.to_datetime(forecasts["@timestamp"]).dt.floor("10min").dt.strftime("%H:%M")
found = milliseconds.groupby(start).quantile([0.5, 0.95]).unstack()
found.columns = ["median", "95th percentile"]
found["limit of R5"] = 200
axes = found.plot(style=["o-", "s--", "k:"], ylabel="milliseconds", xlabel="from")
words = "; ".join(f"{at} {low:.0f} and {high:.0f}" for at, low, high, _ in found.itertuples())
plots.show(axes.figure, f"Median and 95th percentile in ms: {words}. The limit is 200.")

# %% [markdown] id="dashboard-intro"
# The mean is well below 200, and the median has not moved: with these two numbers on the wall, nobody would see that
# release 2 lets one request in twenty wait for more than half a second. **Watch the number that the requirement is about.**
#
# ## A dashboard from code
#
# Next time, people should see this at a glance: a chart of refusals by client, a chart of these two percentiles.
# Kibana keeps such things as **saved objects**, which it exports and imports as a file with one JSON object a line
# (**NDJSON**). A **data view** says where the lines are; a **lens** is a chart; a dashboard shows charts. Each has
# an id, and names others by its **references**. As a file they can be versioned, reviewed and tested, as any code
# (lesson 07).

# %% id="dashboard"
objects = kibana.delay_dashboard()
for id_, one in objects.items():
    print(f"{one['type']:14} {id_:16} ->", [reference["id"] for reference in one["references"]])

chart = objects["delay-latency"]
print("\nquery:", kibana.query(chart))
for name, column in kibana.columns(chart).items():
    print(f"{name:10} {column['operationType']:15} {column['sourceField']}")

# %% [markdown] id="check-intro"
# ### Break it: an old export
#
# This file was saved half a year ago. Since then, a chart has got another id, and the log its names from ECS. What
# does Kibana say to that when it imports the file? By its source code, an import fails if a **data view or a saved
# search** is referred to and missing. Other references, the fields and the queries are not looked at. So we look
# ourselves: first at the references, by hand, and then with a check of the course that also compares all fields with
# those of the lines.

# %% id="check"
outdated = kibana.outdated_dashboard()
for id_, one in outdated.items():
    for reference in one["references"]:
        if reference["id"] not in outdated:
            print(f"{id_} -> {reference['type']} {reference['id']}: is not there")

print("\nwith the fields:")
print(*kibana.problems(outdated.values(), set(log)), sep="\n")
for text in ['path : "/forecast"', 'url.path : "/forecast"']:
    print(f"{len(kibana.matching(log, text)):5} lines match  {text}")

# %% [markdown] id="q2-task"
# The last fault is the worst. A panel whose chart is missing says so, and one with an unknown field, too. But to
# *ask* for a field that no line has is no error in the query language of Kibana: no line matches. (Our stand-in does
# the same.) The chart of times would stay empty, and so would an alarm with the same query.
#
# ### Exercise 2: repair it
#
# Complete `repair`, so that the dashboard shows both charts, and each of them what its title says. Its argument is a
# dictionary of saved objects, such as `outdated`. `kibana.columns(chart)` gives the columns of a chart.


# %% id="q2"
def repair(objects):
    ### BEGIN SOLUTION
    objects["delay-dashboard"]["references"][1]["id"] = "delay-latency"
    kibana.columns(objects["delay-refused"])["by"]["sourceField"] = "user_agent.name"
    objects["delay-latency"]["attributes"]["state"]["query"]["query"] = 'url.path : "/forecast"'
    ### END SOLUTION


q2.check(repair)
# q2.hint()
# q2.solution()

# %% [markdown] id="import-intro"
# ## To the real thing
#
# At last we write two files, read the dashboard back as Kibana would, and check it once more: no faults, *and each
# chart finds lines*. The second file has the lines in the form in which Elasticsearch takes many at once.

# %% id="import"
folder = new_folder("labs/kibana")
dashboard, bulk = folder / "dashboard.ndjson", folder / "bulk.ndjson"
dashboard.write_text(kibana.to_ndjson(objects.values()), encoding="utf-8")
pairs = [part for document in documents for part in ({"create": {}}, document)]
bulk.write_text(kibana.to_ndjson(pairs), encoding="utf-8")

read = [json.loads(line) for line in dashboard.read_text(encoding="utf-8").splitlines()]
print(len(read), "objects; faults:", list(kibana.problems(read, set(log))))
for one in read:
    if one["type"] == "lens":
        title = one["attributes"]["title"]
        print(f"{title}: {len(kibana.matching(log, kibana.query(one))):,} lines")

# %% [markdown] id="recap"
# On a computer with Docker and some gigabytes of free memory, two lines start the real Elasticsearch and Kibana and
# read their passwords. (The script is Elastic's own, and meant for trying out, not for production.) Two more, in the
# folder `workspace/labs/kibana`, send the files:
#
# ```
# curl -fsSL https://elastic.co/start-local | sh
# . elastic-start-local/.env
# curl -H "Authorization: ApiKey $ES_LOCAL_API_KEY" -H "Content-Type: application/x-ndjson" \
#     --data-binary @bulk.ndjson "$ES_LOCAL_URL/logs-delay-default/_bulk"
# curl -u "elastic:$ES_LOCAL_PASSWORD" -H "kbn-xsrf: true" -F file=@dashboard.ndjson \
#     http://localhost:5601/api/saved_objects/_import
# ```
#
# In Kibana, set the time to 1 July 2013. **This has not been tried here.** Our check knows references and fields, not
# whether your version of Kibana likes how a chart is drawn. The surest way to get such a file is to build the dashboard
# with the mouse once, export it, and then keep and check the export as here.
#
# ## When is it worth it?
#
# For one service, lines of JSON in a file and pandas or SQLite are enough, as you have just seen. A store for logs
# pays when many services write, and when somebody has to search them at night. It needs gigabytes of memory, a
# decision about how long lines are kept, and somebody who looks after it. For numbers that are watched all the time,
# metrics (Prometheus) are cheaper than lines. Lesson 12 has both in the same service.
#
# ## What you take with you
#
# - **A field of its own for each fact**, with the name, type and unit of a schema. A text inside a text is lost.
# - **A list of what is allowed** keeps people out of the log, even when a colleague has an idea.
# - **Shares find the broken client, percentiles the slow release.** Counts and means hide both.
# - **A dashboard is code**: check its references, and its fields against the lines that there are.
# - **Empty is not quiet.** A query for a field that does not exist finds nothing, without an error.

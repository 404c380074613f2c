# %% [markdown] id="why"
# ## Why it matters
#
# In lesson 14 an alert fired, and there the story ended. But nobody looks at a list of alerts at three in the morning.
# Between the alert and a person, there is one more program: **Alertmanager** decides *who* is told, *once* instead of a
# hundred times, and *not* while you repair the thing. It is also the place where an alert can get lost without a trace.
#
# In this lab all of that is real: the delay service, Prometheus with the rules of lesson 14, and Alertmanager. Only the
# people are made up. Each of them is a path of a small web server in this notebook, which gets what would be sent to a
# telephone. Of Grafana, which is in no registry of packages, you make and check the files, and no server.
#
# ## Who tells whom
#
# | program | asks or gets | tells |
# |---|---|---|
# | service, exporter | | their numbers, to whoever asks |
# | Prometheus | asks both for numbers, twice a second here, and looks at the rules | Alertmanager, of each alert that fires or has ended |
# | Alertmanager | alerts | people, by its configuration |
#
# It is January. The exporter publishes the report on December (lesson 14), and the gate of lesson 06 has set a month of
# data aside. The people are the *phone* of whoever is on duty, the *desk* where tickets are dealt with by day, a
# *report* that is read on Mondays, and *data*, the team that delivers the data.

# %% tags=["parameters"] id="imports"
import sys

import httpx
import pandas as pd
import psutil

from mlops_school import alert_routes, alerting, alertmanager, champion, dashboards, labs
from mlops_school.exercises import ____
from mlops_school.exercises.labs.alertmanager import q1, q2
from mlops_school.paths import new_folder
from mlops_school.servers import Server

labs.require("alertmanager")
folder = new_folder("labs/alertmanager")
path = folder / alertmanager.FILE

# %% id="start"
from mlops_school import monitoring

quarantine = folder / "quarantine" / "2014-01"
quarantine.mkdir(parents=True)
(quarantine / "report.json").write_text("{}", encoding="utf-8")
exporter = monitoring.Exporter(quarantine.parent)
exporter.publish(monitoring.report(12))

server = Server([sys.executable, "-m", "mlops_school.service", str(champion.folder())])
service = psutil.Process(server.pid)
inbox = alertmanager.Inbox()
print("The service runs:", service.is_running(), "- people:", ", ".join(alert_routes.PEOPLE))

# %% [markdown] id="route-intro"
# ## Routes
#
# The configuration is a tree. An alert comes in at the top, and each **route** below says by its **matchers** which alerts
# it takes: they compare labels, such as the `severity` that every rule of lesson 14 has. The first route that takes it
# keeps it. If none does, it stays with the receiver at the top. A colleague has written this one, and had it checked by
# `amtool`, the tool that comes with Alertmanager. To it we add `group_by: [severity]`, and a receiver for each name.

# %% id="route"
broken = """\
receiver: nobody
routes:
  - matchers: [severity = "pages"]
    receiver: phone
  - matchers: [severity = "ticket"]
    receiver: desk
  - matchers: [severity = "note"]
    receiver: report
"""
path.write_text(alertmanager.configuration(broken, inbox.address), encoding="utf-8")
print(alertmanager.amtool(folder, "check-config", path.name))

# %% [markdown] id="group-intro"
# "SUCCESS", so we start it, and then Prometheus. What each rule waits for (its `for:`) is thirty times shorter here than in
# the file of lesson 14: two seconds for a minute. Four alerts about December are true at once. How often does the desk
# hear of them?

# %% id="group"
from mlops_school import prometheus

manager = alertmanager.Alertmanager(folder)
rules = alertmanager.write_quick_rules(folder / "alerts.yml")
targets = {"delay-service": server.address, "delay-month": exporter.address}
watch = prometheus.Prometheus(targets, rules, manager.address)
watch.wait_for('up{job="delay-service"} == 1')
print(inbox.next("desk"))

# %% [markdown] id="hang-intro"
# One message for all four: that is **grouping**. Alertmanager waits a moment (`group_wait`) for alerts that belong
# together; here, all of one severity do.
#
# ## The service hangs
#
# Now we stop the service in the middle of its work. Its process is there, its port is open, and it does not answer. (That
# is how many failures look. A program that only asks "does the process run?" sees nothing.) The series `ALERTS` is made by
# Prometheus itself, and says which alerts are *pending* or *firing*; we ask for it over the last ten seconds, so that we
# miss nothing.


# %% id="hang"
def down(state):
    return f'present_over_time(ALERTS{{alertname="DelayServiceDown", alertstate="{state}"}}[10s])'


service.suspend()
for state in ["pending", "firing"]:
    watch.wait_for(down(state))
    print("Prometheus:", state)
print("Alertmanager:", manager.wait_for("DelayServiceDown"))
print("The phone has rung", len(inbox.unread("phone")), "times.")
service.resume()
watch.wait_for('absent(ALERTS{alertname="DelayServiceDown"})')
print("The service is back, and nobody has known that it was away.")

# %% [markdown] id="test-intro"
# Both programs did as they were told. The service was away, the rule found it, Alertmanager knew, and the phone was
# silent. There is no error in any log. `check-config` has read the form of the file, and the form is right.
#
# ### Test the routes
#
# What the file *means* can be tested before it is used: `amtool config routes test` takes the labels of an alert and says
# who would be told. We try it with the labels of *all* rules that there are.


# %% id="test"
def who(rule):
    labels = [f"{name}={text}" for name, text in [("alertname", rule.name), *rule.labels.items()]]
    file = f"--config.file={path.name}"
    return alertmanager.amtool(folder, "config", "routes", "test", file, *labels)


def table():
    rows = [(rule.name, *rule.labels.values(), who(rule)) for rule in alerting.load_rules()]
    return pd.DataFrame(rows, columns=["alert", "requirement", "severity", "told"])


table()

# %% [markdown] id="q1-task"
# All five pages go to nobody: the matcher says `pages`, the label says `page`. A receiver without any address is valid
# as well. It is meant for alerts that are to be dropped, and at the top of the tree it takes whatever was misspelt.
#
# ### Exercise 1: repair it
#
# Write `route`, a text like `broken`, in which
#
# - pages go to the `phone`, tickets to the `desk`, notes into the `report`;
# - the alert of R8, that a month was set aside, goes to `data` *and* to the `desk`;
# - what no route takes goes to the `desk`.
#
# One more word helps: a route with `continue: true` takes an alert and lets it go on to those after it.

# %% id="q1"
### BEGIN SOLUTION
route = """\
receiver: desk
routes:
  - matchers: [severity = "page"]
    receiver: phone
  - matchers: [requirement = "R8"]
    receiver: data
    continue: true
  - matchers: [severity = "ticket"]
    receiver: desk
  - matchers: [severity = "note"]
    receiver: report
"""
### END SOLUTION
q1.check(route)
# q1.hint()
# q1.solution()

# %% [markdown] id="again-intro"
# The check walks through the tree with twenty lines of Python (`alert_routes.receivers`); a test of the course compares
# them with `amtool`. Here is the course's own route, in case you are still at it. It is tested *first*, then
# Alertmanager reads it without a restart, and the service hangs once more.

# %% id="again"
path.write_text(alertmanager.configuration(alert_routes.ROUTE, inbox.address), encoding="utf-8")
print(table()["told"].value_counts().to_dict())
manager.reload()
print("data: ", inbox.next("data"))
service.suspend()
print("phone:", inbox.next("phone"))
service.resume()
print("phone:", inbox.next("phone"))

# %% [markdown] id="silence-intro"
# Nothing goes to `nobody` any more. The data team hears of its month, the phone rings, and it says, too, when all is well
# again: *resolved*.
#
# ## Silence
#
# Tonight the service is moved to another computer, and will be away for some minutes. Everybody knows. To switch the rule
# off would be easy, and easily forgotten. A **silence** is better: it has matchers, an author, a reason, and *an end*. Nothing
# is told of alerts that it matches; all others come through. (Its matcher is as narrow as can be. With `severity=page`,
# it would hide each other failure of the night.)

# %% id="silence"
about = ["--author=you", "--comment=we move to another computer", "--duration=20m"]
silence = manager.amtool("silence", "add", *about, "alertname=DelayServiceDown")
service.suspend()
watch.wait_for(down("firing"))
print("Alertmanager:", manager.wait_for("DelayServiceDown"))
print("The phone has rung", len(inbox.unread("phone")), "times.")

manager.amtool("silence", "expire", silence)
print("After the silence:", inbox.next("phone"))
service.resume()
print("And then:", inbox.next("phone"))

# %% [markdown] id="q2-task"
# When a silence ends and the alert is still there, the phone rings: nothing was forgotten.
#
# ## One failure, many alerts
#
# When a service is about to die, it is slow (R5), fails (R6), loses requests (R11), and gives no forecast (R1). These rules
# look back for five or ten minutes, so they go on firing when it is gone (R12): five pages for one failure, four of which
# say nothing new. With an **inhibition**, one alert holds others back. It has two parts: while an alert that fulfils the
# `source_matchers` fires, nothing is told of those that fulfil the `target_matchers`.
#
# ### Exercise 2: one call
#
# Write `inhibition`, a text of two lines, such as
#
# ```
# source_matchers: [alertname = "A"]
# target_matchers: [team = "B"]
# ```
#
# While *DelayServiceDown* fires, no other page is to ring. It is itself a page, and must ring. Tickets and notes go their
# way, and no other alert may hold anything back.

# %% id="q2"
### BEGIN SOLUTION
inhibition = """\
source_matchers: [alertname = "DelayServiceDown"]
target_matchers: [severity = "page"]
"""
### END SOLUTION
q2.check(inhibition)
# q2.hint()
# q2.solution()

# %% [markdown] id="drill-intro"
# ### A drill
#
# To try this for real, must you wait until all goes wrong at once? No. Alertmanager believes whoever tells it of an alert, so
# you can tell it of *all* alerts of the course, while nothing but the service is away. Such a drill goes the whole way,
# up to the person. It should be announced, and done from time to time: a phone number changes without any test failing.

# %% id="drill"
text = alertmanager.configuration(alert_routes.ROUTE, inbox.address, alert_routes.INHIBITION)
path.write_text(text, encoding="utf-8")
manager.reload()
service.suspend()
print("phone:", inbox.next("phone"))
manager.add({"alertname": rule.name, **rule.labels} for rule in alerting.load_rules())
print(manager.alerts())
print("The phone has rung", len(inbox.unread("phone")), "more times.")
manager.stop()
service.resume()

# %% [markdown] id="grafana-intro"
# One call. The four pages that would have followed are known to Alertmanager, and held back; all others are active.
#
# ## Grafana as code
#
# The person who was called opens a dashboard. It has to be there, and to show something. Lesson 14 has written
# `dashboard.json` with code of the course. The makers of Grafana have a kit for it, the **Foundation SDK**. With it, a panel
# begins like this: `timeseries.Panel().title("Up").unit("percentunit")`. `grafana.draw` does so for each panel of lesson
# 14, and we compare. Beside the dashboard, a new Grafana needs **provisioning**: files which say where Prometheus is and whom
# Grafana may call (a *contact point*). They are checked in like all code, and nobody clicks.

# %% id="grafana"
from grafana_foundation_sdk.builders import dashboard

from mlops_school import grafana, swaps

panels = dashboards.SERVICE + dashboards.MONTH
board = dashboard.Dashboard("Delay service").uid("delay-service")
for panel in panels:
    board.with_panel(grafana.draw(panel))
made, course = grafana.encode(board), dashboards.dashboard()
same = list(map(grafana.facts, made["panels"])) == list(map(grafana.facts, course["panels"]))
print(len(panels), "panels, the same as in dashboard.json:", same)
print(*grafana.provide(folder / "grafana", made), sep="\n")


# %% id="empty"
print("empty:", *grafana.empty(panels, watch), sep="\n  ")
bodies = swaps.afternoon(month=7, day=2, n=5)
with httpx.Client(base_url=server.address, trust_env=False, timeout=30) as client:
    for some in [bodies[:1], bodies]:
        print("status:", {client.post("/forecast", json=body).status_code for body in some})
        watch.settle()
        watch.settle()
print("empty, after some forecasts:", len(grafana.empty(panels, watch)))
for one in (watch, server, exporter, inbox):
    one.stop()

# %% [markdown] id="recap"
# The kit finds a name that a panel does not have. It does not know whether an expression finds anything; only Prometheus
# does. Three panels were empty, and rightly so, since nobody had asked for a forecast yet. You can tell that from a
# misspelt metric only if you make a request yourself. Grafana's server is no part of this lab, so how it draws them was
# *not tried* here. To see it, install Grafana, copy the folders in `workspace/labs/alertmanager/grafana` to
# `/etc/grafana`, and restart it.
#
# ## When is it worth it?
#
# Alertmanager is small, and as soon as there are two people or two kinds of alerts, you want what it does. What it does not
# have are duty rosters and a call to the next one if nobody answers; services for sale do that, and it tells them as it told
# your phone. Grafana can send alerts itself, too. Decide for one of them: with two, nobody knows where a silence belongs.
#
# And who calls you if Prometheus or Alertmanager is what has failed? Companies let one rule fire *always*, and a program
# elsewhere that calls when this alert stops coming. It is called a **dead man's switch**.
#
# ## What you take with you
#
# - **A valid file can lead nowhere.** Test with all alerts that exist who would be told, before you use it.
# - **Let the top of the tree be a person**, so that what nobody has thought of is seen by somebody.
# - **Group, inhibit, silence**: one call for one failure, none for what is planned, and nothing forgotten, since a silence ends.
# - **Drill.** An alert that has never reached a person is a hope, as is one that was never seen to fire.

"""A traveller asks the delay service on its page, with the keyboard, also below a proxy's path."""

import os
import shutil
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import Request

import pytest
from playwright.sync_api import expect, sync_playwright

from mlops_school import champion
from mlops_school.servers import Server, opener

CHROMIUM = next(
    filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None and not (os.environ.get("CI") and sys.platform == "linux"),
        reason="there is no Chromium here; on Linux, CI has one",
    ),
]
PREFIX = "/user/ada/proxy/8000"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCHOOL_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
        folder = champion.train("1", months=(1,)).write(tmp_path_factory.mktemp("release"))
    with Server([sys.executable, "-m", "mlops_school.service", str(folder)]) as server:
        yield server.address


@pytest.fixture(scope="module")
def proxied(service):
    """Yield the address of a proxy that serves the service below a path, as JupyterLab's does."""

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self):
            assert self.path.startswith(PREFIX), f"{self.path} leaves the path of the proxy"
            length = int(self.headers.get("Content-Length", 0))
            asked = Request(
                service + self.path.removeprefix(PREFIX),
                data=self.rfile.read(length) or None,
                headers={
                    "Content-Type": self.headers.get("Content-Type", ""),
                    "X-Forwarded-Prefix": PREFIX,
                },
            )
            with opener.open(asked) as answer:
                content = answer.read()
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.headers["Content-Type"])
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def page():
    """Yield a page in New York's opposite time zone, which must not matter."""
    offline = ["--no-sandbox", "--disable-background-networking", "--no-first-run"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=offline)
        page = browser.new_page(timezone_id="Asia/Tokyo")
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        yield page
        assert asked
        local = ("http://127.0.0.1", "data:", "blob:")
        assert not [url for url in asked if not url.startswith(local)]
        browser.close()


@pytest.fixture(params=["direct", "below a path"])
def address(request, service, proxied):
    return service if request.param == "direct" else proxied


def test_the_keyboard_is_enough_for_a_forecast(page, address):
    page.goto(f"{address}/")
    for name in ("Carrier", "From", "To"):
        page.keyboard.press("Tab")
        expect(page.get_by_label(name, exact=True)).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("lax")
    with page.expect_request("**/forecast") as sent:
        page.keyboard.press("Enter")
    assert sent.value.post_data_json == {
        "carrier": "UA",
        "origin": "EWR",
        "dest": "LAX",
        "departure": "2013-07-01T17:30:00-04:00",
        "tailnum": None,
    }
    status = page.get_by_role("status")
    expect(status).to_contain_text("percent")
    expect(status).to_contain_text("release 1")
    expect(status).to_have_attribute("aria-live", "polite")


def test_a_departure_in_winter_gets_the_offset_of_winter(page, service):
    page.goto(f"{service}/")
    page.get_by_label("Scheduled departure").fill("2013-12-24T06:05")
    with page.expect_request("**/forecast") as sent:
        page.get_by_role("button", name="Forecast").click()
    assert sent.value.post_data_json["departure"] == "2013-12-24T06:05:00-05:00"


def test_an_error_stands_at_its_field_and_goes_when_it_is_mended(page, service):
    page.goto(f"{service}/")
    carrier, dest = page.get_by_label("Carrier"), page.get_by_label("To", exact=True)
    carrier.fill("XX")
    dest.fill("???")
    page.get_by_role("button", name="Forecast").press("Enter")
    expect(carrier).to_be_focused()  # the first field that is wrong
    expect(carrier).to_have_attribute("aria-invalid", "true")
    expect(carrier).to_have_accessible_description(
        "Two characters, such as UA Not accepted: no carrier 'XX' flies from New York"
    )
    expect(page.locator("#dest-error")).to_contain_text("no flights from 'EWR' to '???' are known")
    expect(page.get_by_role("status")).to_contain_text("There is no forecast.")

    carrier.fill("UA")
    dest.fill("ORD")
    page.get_by_role("button", name="Forecast").click()
    expect(page.get_by_role("status")).to_contain_text("percent")
    expect(carrier).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator("#carrier-error")).to_be_empty()


def test_the_documentation_of_the_api_works_offline_and_below_a_path(page, address):
    page.goto(f"{address}/docs")
    page.locator(".opblock-post .opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").click()
    with page.expect_response("**/forecast") as answered:
        page.get_by_role("button", name="Execute").click()
    assert answered.value.status == 200

"""The web site: its pages and links, as files and in a real browser."""

import asyncio
import filecmp
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import pytest
from playwright.async_api import Browser, async_playwright
from playwright.sync_api import Page, expect, sync_playwright

from mlops_school.authoring.assemble import read_notebook
from mlops_school.authoring.source import SETUP
from mlops_school.glossary import load_terms
from mlops_school.manifest import load_labs, load_manifest
from mlops_school.paths import ROOT

SAMPLE = ("index.html", "notebooks/14_monitoring.html", "course/tools.html", "search.html")
# What is the same on all pages is looked at on the sample: code in its colours, and navigation.
ALIKE = "{exclude: [['.highlight'], ['#pst-header'], ['#pst-primary-sidebar']]}"
MINUTE = 60_000  # milliseconds
expect.set_options(timeout=MINUTE)
WINDOW = {"width": 1280, "height": 900}


class Parsed(HTMLParser):
    """What a page links to, and what links can lead to in it."""

    def __init__(self, path: Path):
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.images: list[dict[str, str]] = []
        self.nearby: dict[str, str] = {}  # the pages before and after this one
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids += [attributes["id"]] if "id" in attributes else []
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
            kind = attributes.get("class", "")
            if kind in ("left-prev", "right-next"):
                self.nearby[kind] = attributes["href"]
        elif tag == "link" and attributes["rel"] in ("stylesheet", "icon", "preload"):
            self.loaded.append(attributes["href"])
        elif "src" in attributes:
            self.loaded.append(attributes["src"])
        if tag == "img":
            self.images.append(attributes)


def names(folder: Path) -> list[str]:
    paths = (path.relative_to(folder) for path in folder.rglob("*.html"))
    return sorted(path.as_posix() for path in paths if "_static" not in path.parts)


@pytest.fixture(scope="module")
def pages(built) -> dict[str, Parsed]:
    return {name: Parsed(built / name) for name in names(built)}


def page_of(unit) -> str:
    return unit.notebook.relative_to(ROOT).with_suffix(".html").as_posix()


def test_every_lesson_and_lab_has_a_page_and_follows_the_one_before(pages):
    units = [*load_manifest(), *load_labs()]
    following, name = [], "index.html"
    while step := pages[name].nearby.get("right-next"):
        before, name = name, urljoin(name, step)
        assert urljoin(name, pages[name].nearby["left-prev"]) == before
        following.append(name)
    assert [name for name in following if name.startswith("notebooks/")] == list(
        map(page_of, units)
    )
    assert set(following) == set(pages) - {"index.html", "search.html"}


def test_every_link_and_anchor_leads_somewhere(built, pages):
    lost = []
    for name, page in pages.items():
        for link in {*page.links, *page.loaded}:
            if re.match(r"(https|data):", link):
                continue
            path, anchor = urldefrag(urljoin(name, link))
            path = unquote(path).partition("?")[0]
            if not (built / path).is_file() or (anchor and unquote(anchor) not in pages[path].ids):
                lost.append((name, link))
    assert lost == []


def test_no_page_loads_anything_from_elsewhere(built, pages):
    assert all(page.loaded for page in pages.values())
    assert [
        one
        for page in pages.values()
        for one in page.loaded
        if re.match("(?!data:)[a-z]*:?//", one)
    ] == []
    styles = "".join(path.read_text(encoding="utf-8") for path in built.rglob("*.css"))
    assert re.findall(r"url\([\"']?(?:https?:)?//[^)]*", styles) == []


def test_ids_are_unique(pages):
    doubled = {
        (name, one): number
        for name, page in pages.items()
        for one, number in Counter(page.ids).items()
        if number > 1
    }
    assert doubled == {}


def test_all_images_have_a_text_alternative_and_load_when_they_are_seen(pages):
    lessons = [page for name, page in pages.items() if name.startswith("notebooks/")]
    pictures = [image for page in lessons for image in page.images if "figures/" in image["src"]]
    assert len(pictures) > 70
    assert all(len(image["alt"]) > 20 for image in pictures)
    assert {image["loading"] for image in pictures} == {"lazy"}
    assert all(int(image["width"]) and int(image["height"]) for image in pictures)
    assert all("alt" in image for page in pages.values() for image in page.images)


def test_pages_are_small(built):
    sizes = {name: (built / name).stat().st_size for name in names(built)}
    sizes |= {path.name: path.stat().st_size for path in (built / "figures").iterdir()}
    glossary = sizes.pop("course/glossary/README.html")
    assert max(sizes.values()) < 160_000, max(sizes, key=sizes.get)
    assert glossary < 400_000


@pytest.mark.parametrize("unit", [*load_manifest(), *load_labs()], ids=lambda unit: unit.id)
def test_a_page_has_all_that_its_notebook_has(built, unit):
    text = (built / page_of(unit)).read_text(encoding="utf-8")
    notebook = read_notebook(unit.notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.id != SETUP]
    pictures = str(code).count("data:image/png")
    assert text.count('class="cell_input') == len(code)
    assert text.count("figures/") == pictures
    assert text.count("The quiz is in JupyterLab") == sum("quiz.show(" in c.source for c in code)
    assert text.count("this picture has sliders") == str(code).count("widget-view+json")
    assert "Open in JupyterLab" in text
    assert "Binder</a>" not in text.partition("<h2>")[0]  # nobody knows the repository


def test_first_uses_lead_to_the_glossary_once(pages):
    glossary = "course/glossary/README.html"
    entries = [one for one in pages[glossary].ids if one.startswith("term-")]
    assert len(entries) == len(load_terms())
    for unit in load_manifest()[1:]:
        page = pages[page_of(unit)]
        uses = Counter(link for link in page.links if f"{glossary}#term-" in link)
        assert len(uses) > 5, unit.id
        assert max(uses.values()) == 1, unit.id
    assert f"../{glossary}#term-data-drift" in pages["notebooks/14_monitoring.html"].links


def test_a_second_build_gives_the_same_files(builds):
    files, again = (
        sorted(path.relative_to(site) for path in site.rglob("*") if path.is_file())
        for site in builds
    )
    assert files == again
    _, different, failed = filecmp.cmpfiles(*builds, files, shallow=False)
    assert different == failed == []


@dataclass
class Visit:
    """What a browser found on a page."""

    violations: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)


async def look(
    browser: Browser, address: str, mode: str, todo: list[str], axe: str, found: dict
) -> None:
    """Look at one page after the other, in a tab of its own."""
    tab = await browser.new_page(color_scheme=mode, reduced_motion="reduce", viewport=WINDOW)
    tab.set_default_timeout(3 * MINUTE)
    visit = Visit()
    tab.on("request", lambda one: visit.outside.append(one.url))
    tab.on("pageerror", lambda error: visit.trouble.append(str(error)))
    tab.on("response", lambda one: visit.trouble.extend([one.url] if one.status >= 400 else []))
    while todo:
        name = todo.pop()
        visit = found[name, mode] = Visit()
        await tab.goto(address + name)
        await tab.evaluate(axe)
        part = "document" if name in SAMPLE else ALIKE
        options = "{resultTypes: ['violations'], preload: false}"
        result = await tab.evaluate(f"axe.run({part}, {options})")
        visit.violations = [
            f"{one['id']}: {node['html'][:200]}"
            for one in result["violations"]
            for node in one["nodes"]
        ]
        visit.outside = [url for url in visit.outside if not url.startswith((address, "data:"))]


async def look_at_all(
    chromium: dict, address: str, pages: list[str], axe: str
) -> dict[tuple[str, str], Visit]:
    found: dict[tuple[str, str], Visit] = {}
    dark = list(SAMPLE)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**chromium)
        tabs = (("dark", dark), ("light", pages), ("light", pages))
        await asyncio.gather(*(look(browser, address, *tab, axe, found) for tab in tabs))
        await browser.close()
    return found


@pytest.fixture(scope="module")
def visits(built, address, chromium, node_modules) -> dict[tuple[str, str], Visit]:
    """Return what a browser finds on every page, and on a sample in dark colours."""
    axe = (node_modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    found = asyncio.run(look_at_all(chromium, address, names(built), axe))
    assert len(found) == len(names(built)) + len(SAMPLE)
    return found


@pytest.mark.browser
def test_every_page_is_accessible(visits):
    assert {key: visit.violations for key, visit in visits.items() if visit.violations} == {}


@pytest.mark.browser
def test_no_request_leaves_the_site_and_none_fails(visits):
    assert {key: visit.outside for key, visit in visits.items() if visit.outside} == {}
    assert {key: visit.trouble for key, visit in visits.items() if visit.trouble} == {}


@pytest.fixture
def page(chromium, address) -> Iterator[Page]:
    """Yield a page of the browser, at the beginning of the site."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium)
        page = browser.new_page(viewport=WINDOW, base_url=address, reduced_motion="reduce")
        page.set_default_timeout(MINUTE)
        page.goto("index.html")
        yield page
        browser.close()


FOCUSED = """() => {
    const one = document.activeElement, style = getComputedStyle(one);
    const box = one.getBoundingClientRect();
    return {
        name: ["href", "aria-label", "title"].map(key => one.getAttribute(key)).find(Boolean)
            || one.tagName,
        visible: box.width > 0 && box.bottom > 0 && box.top < innerHeight
            && (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
                || style.boxShadow !== "none"),
    };
}"""


@pytest.mark.browser
def test_the_keyboard_reaches_everything_and_shows_where_it_is(page, pages):
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to main content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    reached, hidden = [], []
    while (focused := page.evaluate(FOCUSED))["name"] != "BODY":
        reached.append(focused["name"])
        hidden += [] if focused["visible"] else [focused["name"]]
        page.keyboard.press("Tab")
    assert hidden == []
    assert {"Search", "Color mode", *map(page_of, load_manifest())} <= set(reached)
    links = page.locator("a[href]:visible").evaluate_all(
        "links => links.map(link => link.getAttribute('href'))"
    )
    assert set(links) - set(reached) == set()


@pytest.mark.browser
def test_the_skip_link_leads_past_the_navigation(page):
    page.goto("notebooks/09_building.html")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


@pytest.mark.browser
def test_dark_colours_are_chosen_with_the_keyboard_and_stay(page):
    def background() -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    light = background()
    while page.evaluate(FOCUSED)["name"] != "Color mode":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    while page.evaluate("document.activeElement.dataset.mode") != "dark":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    root = page.locator("html")
    expect(root).to_have_attribute("data-theme", "dark")
    assert background() != light
    page.goto("notebooks/09_building.html")
    expect(root).to_have_attribute("data-theme", "dark")


@pytest.mark.browser
def test_the_search_finds_a_term_and_leads_to_it(page):
    page.keyboard.press("Control+k")
    page.keyboard.type("concept drift")
    page.keyboard.press("Enter")
    results = page.locator("#search-results .search li a")
    expect(page.locator("#search-results .search-summary")).to_contain_text("found")
    assert results.count() > 1
    results.first.click()
    expect(page).to_have_url(re.compile(r"course/glossary/README\.html#term-concept-drift$"))
    expect(page.locator("#term-concept-drift")).to_be_in_viewport()


@pytest.mark.browser
def test_a_phone_shows_all_without_scrolling_sideways(page):
    page.set_viewport_size({"width": 360, "height": 740})
    for name in (*SAMPLE, "run.html", "course/data/README.html", "notebooks/09_building.html"):
        page.goto(name)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, name
    link = page.get_by_role("link", name="16 · Capstone: a year in production", exact=True)
    expect(link).not_to_be_visible()
    page.get_by_role("button", name="Pages of the course").press("Enter")
    link.press("Enter")
    expect(page).to_have_url(re.compile("16_capstone"))

"""The slides of all lessons in a real browser: all fit, and nothing is asked for elsewhere."""

import os
import sys

import pytest

from mlops_school.authoring import slides
from mlops_school.errors import CourseError
from mlops_school.manifest import load_manifest

pytestmark = pytest.mark.browser

# For each slide: where it is, and how far down and to the right it reaches, in its own pixels.
MEASURE = """() => Reveal.getSlides().map(slide => {
  const {h, v} = Reveal.getIndices(slide);
  Reveal.slide(h, v);
  const scale = Reveal.getScale();
  const frame = document.querySelector(".slides").getBoundingClientRect();
  const found = {where: `${h}/${v || 0} ${slide.querySelector("h2").textContent}`};
  found.bottom = found.right = 0;
  found.font = 99;
  found.seen = slide.querySelector("h2").checkVisibility() && frame.height > 600;
  for (const part of slide.querySelectorAll("*")) {
    const box = part.getBoundingClientRect();
    if (part.closest("aside") || !box.width) continue;
    found.bottom = Math.max(found.bottom, (box.bottom - frame.top) / scale);
    found.right = Math.max(found.right, (box.right - frame.left) / scale);
    if ([...part.childNodes].some(node => node.nodeType === 3 && node.textContent.trim()))
      found.font = Math.min(found.font, parseFloat(getComputedStyle(part).fontSize));
  }
  return found;
})"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Make the slides of all lessons."""
    folder = tmp_path_factory.mktemp("slides")
    try:
        slides.make(load_manifest(), folder)
    except CourseError as error:
        if os.environ.get("CI") and sys.platform == "linux":
            raise
        pytest.skip(f"no reveal.js: {error}")
    return folder


def test_every_slide_fits_and_nothing_is_asked_for_elsewhere(page, folder):
    page.set_viewport_size({"width": slides.WIDTH, "height": slides.HEIGHT})
    asked, errors, wrong = [], [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    for lesson in load_manifest():
        page.goto((folder / f"{lesson.id}.html").as_uri())
        page.wait_for_function("window.Reveal && Reveal.isReady()")
        found = page.evaluate(MEASURE)
        assert len(found) > 20
        wrong += [
            (lesson.id, one)
            for one in found
            if not one["seen"]
            or one["bottom"] > slides.HEIGHT + 1  # a pixel is lost in rounding
            or one["right"] > slides.WIDTH + 1
            or one["font"] < 20
        ]
    assert not wrong
    assert not errors
    assert asked
    assert not [url for url in asked if not url.startswith(("file:", "data:"))]


def test_the_keyboard_goes_through_and_notes_stay_hidden(page, folder):
    page.goto((folder / "09_building.html").as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("Reveal.getIndices().h") == 1
    for _ in range(page.evaluate("Reveal.getTotalSlides()") - 2):
        page.keyboard.press("Space")
    assert page.evaluate("Reveal.isLastSlide()")
    assert not page.locator("aside.notes").first.is_visible()


def test_a_slide_that_is_too_long_is_noticed(page, folder):
    page.set_viewport_size({"width": slides.WIDTH, "height": slides.HEIGHT})
    page.goto((folder / "00_start_here.html").as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    page.evaluate(
        """() => Reveal.getSlides()[1].insertAdjacentHTML("beforeend", "<p>more</p>".repeat(20))"""
    )
    assert max(one["bottom"] for one in page.evaluate(MEASURE)) > slides.HEIGHT

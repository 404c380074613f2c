import base64
import re

import matplotlib.pyplot as plt
import pytest

from mlops_school import plots


@pytest.fixture
def shown(monkeypatch):
    bundles = []
    monkeypatch.setattr(plots, "display", lambda bundle, raw: bundles.append(bundle))
    return bundles


def draw():
    figure, axes = plt.subplots()
    axes.plot([1, 2])
    return figure


def test_a_figure_is_shown_with_its_text_alternative(shown):
    plots.show(draw(), 'More than "<10" percent')
    (bundle,) = shown
    assert bundle["text/plain"] == 'Figure: More than "<10" percent'
    assert 'alt="More than &quot;&lt;10&quot; percent"' in bundle["text/html"]
    source = re.search(r'src="data:image/png;base64,([^"]+)"', bundle["text/html"])[1]
    assert base64.b64decode(source).startswith(b"\x89PNG")


def test_the_same_figure_gives_the_same_bytes(shown):
    plots.show(draw(), "a line")
    plots.show(draw(), "a line")
    assert shown[0] == shown[1]


def test_a_shown_figure_is_closed(shown):
    figure = draw()
    assert plt.fignum_exists(figure.number)
    plots.show(figure, "a line")
    assert not plt.fignum_exists(figure.number)


@pytest.mark.parametrize("alt", ["", "   "])
def test_no_figure_goes_without_a_text_alternative(shown, alt):
    with pytest.raises(ValueError, match="text alternative"):
        plots.show(draw(), alt)
    assert not shown

"""Plots that everyone can read."""

import base64
import html
import io

import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib.figure import Figure

# The palette of Okabe and Ito (2008), made to be told apart with any colour vision.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, BLACK, GREY = "#CC79A7", "#56B4E9", "#000000", "#999999"

plt.rcParams.update(
    {
        "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, RED, PURPLE, SKY, BLACK]),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "figure.constrained_layout.use": True,
        "figure.dpi": 100,
        "figure.facecolor": "white",  # readable in JupyterLab's dark theme too
        "figure.figsize": (8, 3.6),
        "legend.frameon": False,
    }
)


def show(figure: Figure, alt: str) -> None:
    """Show a figure with a text alternative, and close it.

    Parameters
    ----------
    figure : Figure
        A Matplotlib figure.
    alt : str
        What someone learns from the picture, for those who cannot see it.

    Raises
    ------
    ValueError
        If there is no text alternative.
    """
    display({"text/html": to_html(figure, alt), "text/plain": f"Figure: {alt}"}, raw=True)


def to_html(figure: Figure, alt: str) -> str:
    """Return a figure as an HTML image with a text alternative, and close it.

    Parameters
    ----------
    figure, alt
        As for :func:`show`.

    Raises
    ------
    ValueError
        If there is no text alternative.
    """
    if not alt.strip():
        raise ValueError("a figure needs a text alternative: say what it shows")
    image = io.BytesIO()
    figure.savefig(image, format="png", metadata={"Software": None})
    plt.close(figure)
    source = base64.b64encode(image.getvalue()).decode("ascii")
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{source}">'

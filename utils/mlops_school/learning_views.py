"""The picture of a training: the loss, epoch by epoch."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from mlops_school import plots


def draw_losses(
    training: Sequence[float], later: Sequence[float], kept: int, month: str
) -> tuple[Figure, str]:
    """Draw the loss of the training months, and of a later month.

    Parameters
    ----------
    training, later : sequence of float
        The loss of each epoch.
    kept : int
        The epoch whose weights are kept, counted from 0.
    month : str
        The name of the later month.
    """
    figure, axes = plt.subplots(figsize=(7, 3.2))
    epochs = range(len(training))
    axes.plot(epochs, training, "s--", label="training months")
    axes.plot(epochs, later, "o-", label=month)
    axes.plot(
        kept, later[kept], "o", ms=14, mfc="none", mec=plots.BLACK, ls="", label="weights kept"
    )
    axes.set(title="The loss of each epoch", xlabel="epoch", xticks=epochs)
    axes.legend()
    words = (
        f"The loss of the training months goes from {training[0]:.2f} to {training[-1]:.2f} in "
        f"{len(training)} epochs. That of {month} is smallest in epoch {kept}, with "
        f"{later[kept]:.2f}, and ends at {later[-1]:.2f}."
    )
    return figure, words

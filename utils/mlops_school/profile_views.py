"""Pictures of what profiles say, without the rows that they were made of."""

import matplotlib.pyplot as plt
import pandas as pd

from mlops_school import plots


def show_days(days: pd.Series, whole: float, name: str) -> None:
    """Draw a number of each day, their average, and the number of the whole month.

    Parameters
    ----------
    days : Series
        The number by day of the month.
    whole : float
        The same number of all rows of the month together.
    name : str
        What it is, with its unit.
    """
    average = days.mean()
    figure, axes = plt.subplots()
    axes.plot(days.index, days, "o", color=plots.BLUE, label="each day")
    axes.axhline(whole, color=plots.GREEN, label=f"the whole month: {whole:.0f}")
    axes.axhline(average, color=plots.RED, linestyle="--", label=f"average of days: {average:.0f}")
    axes.set(xlabel="day of the month", title=name)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    plots.show(
        figure,
        f"{name}, of {len(days)} days: from {days.min():.0f} to {days.max():.0f}, which is day "
        f"{days.idxmax()}. Their average is {average:.0f}; of the whole month, it is {whole:.0f}.",
    )

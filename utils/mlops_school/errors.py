"""The one error that the course raises for a person to read."""


class CourseError(Exception):
    """Something a learner can put right; the message says what to do.

    In a notebook only the message is shown: a traceback through the course's own code
    would hide the one line that helps.
    """

    def _render_traceback_(self) -> list[str]:
        """Give IPython the lines to print in place of a traceback."""
        return [f"What went wrong: {self}"]

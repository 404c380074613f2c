"""Small pages in SVG, which say in words what they show, and can be printed."""

import html
from pathlib import Path

from mlops_school import files
from mlops_school.errors import CourseError

NAME_LETTERS = 60


def clean_name(name: object) -> str:
    """Return a name of a person without the spaces around it.

    Raises
    ------
    CourseError
        If it cannot stand on a page.
    """
    if not isinstance(name, str) or not name.strip():
        raise CourseError("Give the name that is to stand on it, such as name = 'Ada Lovelace'.")
    name = " ".join(name.split())
    if len(name) > NAME_LETTERS or not name.isprintable():
        raise CourseError(
            f"A name has at most {NAME_LETTERS} letters, and no characters that cannot be printed."
        )
    return name


def text(x: int, y: int, words: object, size: int = 16, weight: str = "normal") -> str:
    """Return a line of text around the middle `x`, escaped."""
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="middle">{html.escape(str(words))}</text>'
    )


def page(width: int, height: int, title: str, description: str, body: list[str]) -> str:
    """Return a page with a frame.

    Parameters
    ----------
    width, height : int
        In pixels.
    title, description : str
        What a screen reader says.
    body : list of str
        Elements of SVG.
    """
    inside = "\n".join(f"  {element}" for element in body)
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
height="{height}" role="img" aria-labelledby="title description" font-family="sans-serif">
  <title id="title">{html.escape(title)}</title>
  <desc id="description">{html.escape(description)}</desc>
  <rect x="4" y="4" width="{width - 8}" height="{height - 8}" fill="white" stroke="#0072B2" \
stroke-width="4"/>
{inside}
</svg>
"""


def write(path: Path, content: str) -> Path:
    """Write a page, or other text, over an older one, and return its path.

    Raises
    ------
    CourseError
        If it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise files.cannot_be("written", path, error) from error
    with files.replacing(path) as part:
        part.write_text(content, encoding="utf-8", newline="\n")
    return path

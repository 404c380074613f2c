"""The little markup that hints, messages and quiz questions may use."""

import html
import re


def to_html(text: str) -> str:
    """Return `text` as HTML: escaped, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))

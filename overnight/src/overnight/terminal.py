"""What a terminal may get of texts that others wrote, such as titles and errors of servers."""

from __future__ import annotations

import re

# What moves the cursor, changes the terminal or turns text around: the control characters C0 (but
# for tab and end of line) and C1, and embeddings, overrides and isolates of bidirectional text.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """The text with � for each control character."""
    return _CONTROLS.sub("\ufffd", text)


def escaped(line: str) -> str:
    """JSON with its control characters as escapes, so that it says the same."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", line)

"""Titles of pages, as other sites write them. Pure."""

from __future__ import annotations

SEPARATORS = (" | ", " – ", " — ", " - ", " :: ", " » ")


def clean_title(title: str) -> str:
    """The title without the name of its site, which stands behind the last separator and is shorter
    than the rest.
    """
    for separator in SEPARATORS:
        head, dash, tail = title.rpartition(separator)
        if dash and len(tail) < len(head):
            return head.strip()
    return title.strip()

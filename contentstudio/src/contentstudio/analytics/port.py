"""What counts the readers of a site's pages."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from contentstudio.model import Figures


class Analytics(Protocol):
    """A server that counts readers."""

    async def read(self, first: date, last: date) -> list[Figures]:
        """The visits of each page on each day from `first` to `last`.

        Raises NotAllowed, which says what to do, or `Transient` where a later try may work.
        """
        ...

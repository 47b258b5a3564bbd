"""Matomo.

Protocol: https://developer.matomo.org/api-reference/reporting-api (index.php?module=API, the token
in the body of a POST; Actions.getPageUrls with flat=1 and period=day for a range of days answers an
object of rows by day; a fault is an object with result = error, which may come with 200).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter

from contentstudio.analytics import client
from contentstudio.analytics.client import NotAllowed
from contentstudio.model import Figures

KEY = "MATOMO_TOKEN"


class _Row(BaseModel):
    """A page; a row without `url` is what Matomo sums up as others."""

    url: str | None = None
    nb_visits: int = 0


class _Refusal(BaseModel):
    result: Literal["error"]
    message: str = ""


# PHP writes an object without members as a list.
_Nothing = Annotated[list[_Row], Field(max_length=0)]
ANSWER: TypeAdapter[_Refusal | dict[date, list[_Row]] | _Nothing] = TypeAdapter(
    _Refusal | dict[date, list[_Row]] | _Nothing
)


class Matomo:
    """One site of a Matomo; `url` is where its index.php is."""

    def __init__(self, url: str, site_id: int, key: str) -> None:
        self._endpoint = f"{url.rstrip('/')}/index.php"
        self._site_id = site_id
        self._key = key

    async def read(self, first: date, last: date) -> list[Figures]:
        question = {
            "module": "API",
            "method": "Actions.getPageUrls",
            "idSite": str(self._site_id),
            "period": "day",
            "date": f"{first.isoformat()},{last.isoformat()}",
            "flat": "1",
            "filter_limit": "-1",
            "format": "JSON",
            "token_auth": self._key,
        }
        days = await client.ask("Matomo", KEY, self._endpoint, ANSWER, data=question)
        if isinstance(days, _Refusal):
            raise NotAllowed(
                f"Matomo does not give the figures of site {self._site_id} "
                f"({days.message[:300]}): check the token in {KEY}, and site_id in the config."
            )
        return [
            Figures(url=row.url, day=day, visits=row.nb_visits)
            for day, rows in (days.items() if isinstance(days, dict) else ())
            for row in rows
            if row.url
        ]

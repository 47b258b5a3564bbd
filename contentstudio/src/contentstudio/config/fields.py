"""The types that several sections share: addresses, schedules, time zones."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from overnight.errors import ConfigError
from overnight.names import nearest


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        sound = whole and not re.search(r"\s", value)
    except ValueError:
        sound = False
    if not sound:
        raise ValueError("needs a whole URL that begins with http:// or https://")
    return value


HttpUrl = Annotated[str, AfterValidator(_http_url)]


def _script_url(value: str) -> str:
    """An address that may stand in a Content-Security-Policy, where blanks, commas and semicolons
    end it.
    """
    if not re.fullmatch(r"https://[\w.-]+(:\d+)?(/[\w./~%@+=&?-]*)?", value, re.ASCII):
        raise ValueError(
            "needs a whole URL that begins with https:// and has no blanks, quotes, "
            "commas or semicolons"
        )
    return value


ScriptUrl = Annotated[str, AfterValidator(_script_url)]


def _cron(value: str) -> str:
    from overnight.pipelines.triggers import Cron

    try:
        Cron(value)
    except ConfigError as error:
        hint = 'write minute, hour, day, month and weekday, such as "0 4 * * *"'
        raise ValueError(f"cannot be read: {error}; {hint}") from None
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zones = sorted(available_timezones())
        cities = {zone.rpartition("/")[2]: zone for zone in zones}
        near = nearest(value, zones) or nearest(
            cities.get(value.title().replace(" ", "_"), ""), zones
        )
        raise ValueError(f"is no time zone; they look like Europe/Belgrade{near}") from None
    return value


def _time_of_day(value: str) -> str:
    from overnight.alerts.rules import time_of_day

    try:
        time_of_day(value)
    except ConfigError as error:
        raise ValueError(f"cannot be read: {error}") from None
    return value


CronText = Annotated[str, AfterValidator(_cron)]


Zone = Annotated[str, AfterValidator(_zone)]


TimeOfDay = Annotated[str, AfterValidator(_time_of_day)]


Dollars = Annotated[float, Field(ge=0, le=1_000_000)]

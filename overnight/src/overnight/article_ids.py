"""The id of an article's job. The engine does not use it; it is a public name of `overnight`."""

from __future__ import annotations

from overnight.identity import hash_id


def job_id(topic: str, site: str, date: str) -> str:
    """The id of an article's job: `{site}::{topic}::{date}`, hashed. The parameters stand in
    another order than the parts of the id.
    """
    return hash_id(site, topic, date)

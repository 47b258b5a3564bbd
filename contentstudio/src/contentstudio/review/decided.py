"""What follows when a person decides about an article that waits for review."""

from __future__ import annotations

from contentstudio.store.articles import Articles
from contentstudio.store.documents import Documents
from overnight.operations.decisions import Approve, Decision, Edit, Reject
from overnight.store.database import Database, Row


async def decided(database: Database, decision: Decision, run: Row) -> None:
    """Bring the article into its new state, and keep what a person rejected in the memory, whoever
    carried the decision here.
    """
    articles, job_id, publishes = Articles(database), run["job_id"], run["step"] == "publish"
    if run["step"] == "brief" and not isinstance(decision, Reject):
        return  # its article is written next
    match decision:
        case Reject(reason=reason):
            await Documents(database).reject(job_id, reason)
            await articles.reject(job_id)
        case Approve():  # of a person's version on the site: it stays
            await articles.decide(job_id, "published" if publishes else "ready")
        case Edit():  # of what waits to be published: ours goes in its place
            await articles.decide(job_id, "ready" if publishes else "verifying")

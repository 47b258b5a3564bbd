"""One search by a person's wish: to see what research would be given, and what that costs."""

from __future__ import annotations

from pydantic import Field

from contentstudio.model import Model
from contentstudio.pipelines.work import Ctx, Request
from contentstudio.search.merged import MergedSearch
from contentstudio.search.port import Hit
from overnight import Cancel
from overnight.errors import BudgetSpent, Permanent, SwitchedOff, Transient, UserError


class SearchRequest(Request):
    """A query of a site; `engine` is one of those of the config, None all of them."""

    site: str
    query: str = Field(min_length=1)
    engine: str | None = None


class SearchResult(Model):
    """What was found, the best first."""

    hits: tuple[Hit, ...] = ()


async def find(ctx: Ctx, request: SearchRequest) -> SearchResult | Cancel:
    """Search once. A person waits for it, so that what fails is said and not tried again later."""
    config, search = ctx.deps.config, ctx.deps.search
    try:
        if request.engine is not None and isinstance(search, MergedSearch):
            search = search.only(request.engine)
        hits = await search.find(
            ctx,
            request.site,
            request.query,
            language=config.find(request.site).language,
            limit=config.search.results,
        )
    except (Transient, Permanent, BudgetSpent, SwitchedOff, UserError) as failure:
        return Cancel(str(failure))
    return SearchResult(hits=tuple(hits))

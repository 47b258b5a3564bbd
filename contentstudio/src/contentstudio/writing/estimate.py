"""What an article will cost before it is written, by its brief: calls, tokens and dollars of each
step. Pure, but for the price list.

It is an estimate and holds nothing back: budgets reserve by themselves what each call may cost at
most. A rewrite is not in it, nor that the judge reads it, for nobody knows whether a gate will ask
for one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from contentstudio.brief import Brief, Estimate
from contentstudio.config import Config, Site, Verify, Writing
from contentstudio.llm import prompts
from contentstudio.llm.models import BY_WRITER, Step, is_offline, priced_as, prices_of
from contentstudio.research import model_researcher
from contentstudio.verify.judge import SOURCE_CHARACTERS
from contentstudio.writing import article, briefs

CHARACTERS_OF_A_TOKEN = 4  # in English; other languages have fewer
TOKENS_OF_A_WORD = 2.4  # 1.4 in English, and its share of the JSON around a sentence of 15 words
INSTRUCTIONS = 800  # tokens: a file in `llm/templates`, and the form of the answer
MIN_CACHED = 1_024  # tokens: a shorter beginning is read from no provider's cache
WORDS_OF_A_LINE = 15  # that the judge gives a verdict on
RULING = 70  # tokens of a verdict: its form, and a passage as long as the line
REST = 1.3  # times the characters of a page up to the last of its notes: what comes after it
POLISHED = 0.1  # of the words of an article are reworded or added in the end
USED = 0.5  # of what an answer may have at most, and of the characters that are read of a page


@dataclass(frozen=True, slots=True)
class Call:
    """What one call takes: tokens of its input, how many of these a provider has in its cache from
    a call before or puts there, and tokens of its answer.
    """

    step: Step
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Cost:
    """What a step of the pipeline will cost; None where its model has no price."""

    step: str
    calls: int
    usd: Decimal | None


def of(config: Config, brief: Brief) -> tuple[Estimate, ...]:
    """What each step of an article will cost that asks models; nothing without a model.

    Takes a second where the price list was not used before.
    """
    if is_offline(config.writing):
        return ()
    site = config.find(brief.research.idea.site)
    each = (researching(site, config), *costs(site, brief, config.writing, config.verify))
    return tuple(Estimate(step=cost.step, calls=cost.calls, usd=cost.usd) for cost in each)


def researching(site: Site, config: Config) -> Cost:
    """The cost of research, by the limits of the config alone: the questions, as many pages as may
    be read, and a search for each question.
    """
    limits, told = config.research, INSTRUCTIONS + _tokens(prompts.profile(site))
    page = round(USED * _tokens_of(model_researcher.PAGE_CHARACTERS))
    lead = round(USED * _tokens_of(model_researcher.LEAD_CHARACTERS))
    asked = _written(model_researcher.QUESTION_WORDS * (limits.questions + 2))
    stated = _written(model_researcher.FACT_WORDS * limits.notes_per_page)
    questions = Call("questions", told + lead, asked)
    notes = [Call("notes", told + page, stated)] * limits.pages
    cost = _cost("research", [questions, *notes], config.writing, config.verify)
    a_query = sum(config.search.usd_per_search(name) for name in config.search.engine)
    searches = (limits.questions + 1) * Decimal(str(a_query))
    return replace(cost, usd=None if cost.usd is None else cost.usd + searches)


def _written(words: int) -> int:
    """Tokens of an answer that may have so many words."""
    return round(USED * words * TOKENS_OF_A_WORD)


def costs(
    site: Site,
    brief: Brief,
    writing: Writing,
    verify: Verify = BY_WRITER,
) -> list[Cost]:
    """The cost of planning the article, of writing it, and of judging it if a model does that."""
    judges = [judging(site, brief)] if verify.judge == "model" else []
    return [
        _cost("brief", [_planning(site, brief)], writing, verify),
        _cost("generate", list(calls(site, brief)), writing, verify),
        *([_cost("gate", judges, writing, verify)] if judges else []),
    ]


def calls(site: Site, brief: Brief) -> Iterator[Call]:
    """The calls for an article by its brief: its sections, its answers, and the last reading."""
    prefix = _tokens(article.prefix(site, brief))
    words = sum(brief.length or briefs.length(site, len(brief.research.notes))) / 2
    written = round(words * TOKENS_OF_A_WORD / len(brief.sections))
    cached = prefix if prefix >= MIN_CACHED else 0
    whole = INSTRUCTIONS + prefix
    yield Call("section", whole, written, cache_write_tokens=cached)
    for _ in brief.sections[1:]:
        yield Call("section", whole, written, cache_read_tokens=cached)
    if brief.faq:
        answers = round(len(brief.faq) * article.WORDS_OF_AN_ANSWER * TOKENS_OF_A_WORD / 2)
        yield Call("section", whole, answers, cache_read_tokens=cached)
    reading = round(words * TOKENS_OF_A_WORD)
    reworded = round(words * POLISHED * TOKENS_OF_A_WORD)
    yield Call("polish", whole + reading, reworded, cache_write_tokens=cached)


def judging(site: Site, brief: Brief) -> Call:
    """The call of the judge, who reads the sources and the article."""
    words = sum(brief.length or briefs.length(site, len(brief.research.notes))) / 2
    ends: dict[str, int] = {}
    for note in brief.research.notes:
        ends[note.sha256] = max(ends.get(note.sha256, 0), note.end)
    sources = sum(min(SOURCE_CHARACTERS, round(REST * end)) for end in ends.values())
    read = round(words * TOKENS_OF_A_WORD) + sources // CHARACTERS_OF_A_TOKEN
    return Call("judge", INSTRUCTIONS + read, round(words / WORDS_OF_A_LINE * RULING))


def _planning(site: Site, brief: Brief) -> Call:
    plan = brief.model_dump_json(exclude={"research", "estimates"}, exclude_defaults=True)
    known = _tokens(article.prefix(site, brief)) - _tokens(plan)
    return Call("brief", INSTRUCTIONS + max(0, known), _tokens(plan))


def _cost(step: str, each: list[Call], writing: Writing, verify: Verify) -> Cost:
    from overnight.llm.prices import UnpricedModel

    try:
        return Cost(
            step, len(each), sum((_usd(call, writing, verify) for call in each), Decimal(0))
        )
    except UnpricedModel:
        return Cost(step, len(each), None)


def _usd(call: Call, writing: Writing, verify: Verify) -> Decimal:
    from overnight.llm.port import Usage
    from overnight.llm.prices import cost_usd

    usage = Usage(
        input_tokens=call.input_tokens,
        output_tokens=call.output_tokens,
        cache_read_tokens=call.cache_read_tokens,
        cache_write_tokens=call.cache_write_tokens,
    )
    return cost_usd(*priced_as(writing, call.step, verify), usage, prices_of(writing))


def _tokens(text: str) -> int:
    return _tokens_of(len(text))


def _tokens_of(characters: int) -> int:
    return characters // CHARACTERS_OF_A_TOKEN

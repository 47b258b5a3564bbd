"""What a call can cost at most, what a refusal says, and who is told: decided without a
database.
"""

from __future__ import annotations

import json
import random
import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from overnight import App, Budgets
from overnight.engine.decide import decide
from overnight.error_classes import ErrorTable
from overnight.errors import BudgetReserved, BudgetSpent, ConfigError, UserError
from overnight.llm import Price, Request, UnpricedModel, Usage, budgets, cost_usd, strict_schema
from overnight.llm.port import FRAME_TOKENS
from overnight.llm.prices import most_usd
from overnight.pipelines.policies import Retry
from overnight.store.records import Status

MODELS = [
    "claude-sonnet-5-5",
    "claude-sonnet-4-5",
    "claude-opus-4-8",
    "claude-haiku-4-5",
    "claude-opus-4-1",
]
DOLLARS = st.decimals(0, 100, places=3)
PRICES = st.builds(
    Price,
    input=DOLLARS,
    output=DOLLARS,
    cache_read=st.none() | DOLLARS,
    cache_write=st.none() | DOLLARS,
)
TEXT = st.text(max_size=200)
REQUESTS = st.builds(
    Request,
    model=st.sampled_from(MODELS),
    prompt=TEXT,
    max_tokens=st.integers(1, 64_000),
    system=st.none() | TEXT,
    schema=st.none() | st.dictionaries(TEXT, TEXT, max_size=5),
    stop=st.lists(TEXT, max_size=3).map(tuple),
    prefix=st.none() | TEXT,
)


@st.composite
def bills(draw: st.DrawFn) -> tuple[Request, Usage]:
    """A request, and any usage that a provider can report for it."""
    request = draw(REQUESTS)
    total = draw(st.integers(0, request.most_input_tokens) | st.just(request.most_input_tokens))
    written = draw(st.integers(0, min(total, request.most_cached_tokens)))  # as was asked for
    read = draw(st.integers(0, total - written))
    output = draw(st.integers(0, request.max_tokens) | st.just(request.max_tokens))
    raw: dict[str, Any] = {
        "input_tokens": total - read - written,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "output_tokens": output,
        "cache_creation": {
            "ephemeral_5m_input_tokens": written,
            "ephemeral_1h_input_tokens": 0,
        },
    }
    return request, Usage(
        input_tokens=total,
        output_tokens=output,
        cache_read_tokens=read,
        cache_write_tokens=written,
        raw=raw,
    )


@settings(deadline=None)  # the price list is read in the first example
@given(bills(), st.none() | PRICES)
def test_no_bill_is_higher_than_what_was_reserved(
    bill: tuple[Request, Usage], price: Price | None
) -> None:
    request, usage = bill
    prices = {request.model: price} if price else None
    tokens = (request.most_input_tokens, request.max_tokens)
    cached = request.most_cached_tokens
    most = most_usd("anthropic", request.model, *tokens, prices, cached_tokens=cached)
    assert round(cost_usd("anthropic", request.model, usage, prices), 6) <= most


@pytest.mark.parametrize("model", MODELS)
def test_what_is_written_to_the_cache_is_reserved_at_its_price(model: str) -> None:
    kept = {
        "cache_creation_input_tokens": 6_000,
        "cache_creation": {"ephemeral_5m_input_tokens": 6_000},
    }
    usage = Usage(
        input_tokens=10_000,
        output_tokens=0,
        raw={"input_tokens": 4_000, "output_tokens": 0, **kept},
    )
    fresh = Usage(input_tokens=10_000, output_tokens=0)
    assert most_usd("anthropic", model, 10_000, 0, cached_tokens=6_000) == cost_usd(
        "anthropic", model, usage
    )
    assert most_usd("anthropic", model, 10_000, 0) == cost_usd("anthropic", model, fresh)
    assert cost_usd("anthropic", model, fresh) < cost_usd("anthropic", model, usage)


LETTERS = "abcdefghijklmnopqrstuvwxyz"
NO_WORDS = {
    "digits": "0123456789",
    "marks": "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~",
    "capitals": LETTERS.upper(),
    "Cyrillic": "\u0430\u0431\u0432\u0433\u0434",
    "Chinese": "\u56ed\u827a\u5de5\u4f5c\u8005",
    "emoji": "\U0001f331\U0001fab4",
}


@pytest.mark.parametrize("kind", NO_WORDS)
def test_what_is_no_word_in_latin_letters_counts_each_byte(kind: str) -> None:
    rng = random.Random(kind)
    text = "".join(rng.choices(NO_WORDS[kind], k=2_000))
    most = Request(model="m", prompt=text, max_tokens=1).most_input_tokens
    assert most >= len(text.encode()) + FRAME_TOKENS


@pytest.mark.parametrize(("shortest", "longest"), [(1, 1), (1, 3), (2, 12), (5_000, 5_000)])
def test_words_count_more_tokens_than_any_tokenizer_takes(shortest: int, longest: int) -> None:
    """Random letters are the worst of words: the tokenizers in use take 0.5 to 0.6 tokens each."""
    rng = random.Random(longest)
    words = ["".join(rng.choices(LETTERS, k=rng.randint(shortest, longest))) for _ in range(500)]
    text = " ".join(words)
    most = Request(model="m", prompt=text, max_tokens=1).most_input_tokens - FRAME_TOKENS
    assert max(len(words), 0.6 * len(text)) <= most < 0.7 * len(text) + 500


class Sentence(BaseModel):
    text: str = Field(min_length=1)
    source: str | None
    quoted: bool


class Paragraphs(BaseModel):
    paragraphs: list[list[Sentence]] = Field(min_length=1)


SENTENCE = "A layer of straw keeps the soil beneath it moist through a dry and windy summer."


@pytest.mark.parametrize(
    ("prefix", "is_held", "ratio"),
    [("", False, 3.2), (SENTENCE * 120, False, 3.2), (SENTENCE * 120, True, 6.6)],
)
def test_a_usual_section_reserves_a_few_times_its_cost(
    prefix: str, is_held: bool, ratio: float
) -> None:
    """Some 250 words from notes of 10,000 characters; by the rule of four characters a token."""
    notes = SENTENCE * 120
    request = Request(
        model="claude-sonnet-5-5",
        system="You write one section of an article from notes. " * 30,
        prefix=prefix or None,
        prompt="Section: number 3 of 5. " * 20 + ("" if prefix else notes),
        schema=strict_schema(Paragraphs),
        max_tokens=500 + 5 * 250,
    )
    sentence = {"text": SENTENCE, "source": "n12", "quoted": False}
    answer = json.dumps({"paragraphs": [[sentence] * 4] * 4})
    cached = len(f"{request.system}{prefix}") // 4 if prefix else 0
    usage = Usage(
        input_tokens=len(f"{request.system}{prefix}{request.prompt}{request.schema}") // 4,
        output_tokens=len(answer) // 4,
        cache_read_tokens=cached if is_held else 0,
        cache_write_tokens=0 if is_held else cached,
    )
    tokens = (request.most_input_tokens, request.max_tokens)
    most = most_usd("anthropic", request.model, *tokens, cached_tokens=request.most_cached_tokens)
    assert 1 < most / cost_usd("anthropic", request.model, usage) < ratio


@given(REQUESTS)
def test_what_is_cached_is_a_part_of_the_input(request: Request) -> None:
    assert request.most_cached_tokens <= request.most_input_tokens
    assert (request.most_cached_tokens > 0) == (request.prefix is not None)


@given(REQUESTS)
def test_a_request_counts_at_least_its_tokens_in_any_normal_form(request: Request) -> None:
    from unicodedata import normalize

    schema = request.schema or {}
    texts = [request.prompt, request.system or "", request.prefix or "", *request.stop]
    texts += [*schema, *schema.values()]
    words = re.compile("[a-z]+")
    for form in ("NFC", "NFKC", "NFD"):
        formed = [text if form == "NFD" else normalize(form, text) for text in texts]
        bytes_ = sum(len(words.sub("", text).replace(" ", "").encode()) for text in formed)
        letters = len(words.findall(" ".join(formed)))
        assert request.most_input_tokens - FRAME_TOKENS >= 0.6 * bytes_ + letters - 1


def test_long_texts_of_few_characters_are_bounded_too() -> None:
    # one character that NFKC makes eighteen of
    ligature = "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}"
    prompt = ligature * 10_000
    request = Request(model="m", prompt=prompt, max_tokens=1)
    assert request.most_input_tokens >= 10_000 * 33
    assert Request(model="m", prompt="\ud800" * 100, max_tokens=1).most_input_tokens > 100


def test_prices_that_rise_with_length_reserve_the_higher_one() -> None:
    low, high = (
        most_usd("anthropic", "claude-sonnet-4-5", tokens, 0) for tokens in (200_000, 200_001)
    )
    assert high > Decimal("1.9") * low


def test_a_model_without_a_price_reserves_nothing_but_is_refused() -> None:
    with pytest.raises(UnpricedModel):
        most_usd("anthropic", "claude-nobody-knows", 10, 10)


def row(**changes: Any) -> dict[str, Any]:
    plain = {
        "scope": "key:garden",
        "usd_per_day": Decimal(2),
        "day": date(2026, 11, 23),
        "spent_usd": Decimal("1.5"),
        "reserved_usd": Decimal("0.2"),
        "under_way_usd": Decimal(0),
        "refuses": True,
        "alerted": [],
        "seconds_left": 3600.0,
    }
    return {**plain, **changes}


def test_a_refusal_names_scope_figures_and_when_it_continues() -> None:
    refused = budgets.refusal([row(scope="all", refuses=False), row()], Decimal("0.4"))
    assert isinstance(refused, BudgetSpent)
    assert (refused.scope, refused.limit, refused.spent, refused.retry_after) == (
        *("key:garden", Decimal(2), Decimal("1.7"), 3600.0),
    )
    assert str(refused) == (
        "the budget of key:garden has no room until 00:00 UTC: $1.50 of $2.00 a day are spent, "
        "$0.20 kept for calls whose cost is unknown, this call can cost up to $0.40; "
        "to raise it: budget set key:garden USD --reason …"
    )
    assert budgets.refusal([row(refuses=False)], Decimal(9)) is None


def test_a_call_that_could_never_fit_says_so() -> None:
    refused = budgets.refusal([row(under_way_usd=Decimal("0.2"))], Decimal("2.5"), "site")
    assert "this call can cost up to $2.50, more than the whole $2.00 a day of site:garden" in str(
        refused
    )
    assert str(refused).endswith("to raise it: budget set site:garden USD --reason …")
    assert type(refused) is BudgetSpent, "calls under way do not matter"


RESERVED = {
    "spent_usd": Decimal("0.14"),
    "reserved_usd": Decimal("1.8"),
    "under_way_usd": Decimal("1.8"),
}


def test_a_budget_full_of_reservations_waits_for_calls_not_a_day() -> None:
    refused = budgets.refusal([row(**RESERVED)], Decimal("0.4"), "site")
    assert isinstance(refused, BudgetReserved)
    assert str(refused) == (
        "the budget of site:garden waits for calls under way: $0.14 of $2.00 a day are spent, "
        "$1.80 reserved by calls under way, this call can cost up to $0.40"
    )
    after = decide(refused, failures=3, retry=Retry(), errors=ErrorTable(), rng=random.Random(1))
    assert (after.status, after.outcome, after.error_class) == (Status.QUEUED, "held", "reserved")
    assert (after.delay, after.failed) == (budgets.RESERVED_PAUSE, False)
    assert budgets.alerts([row(**RESERVED)], Decimal("0.4")) == [], "it is nothing for a person"


@pytest.mark.parametrize(
    ("under_way", "most", "is_reserved"),
    [
        ("0.2", "0.5", True),
        ("0.2", "0.51", False),
        ("0.1", "0.4", True),
        ("0.1", "0.41", False),
        ("0", "0.31", False),
    ],
)
def test_reserved_is_what_has_room_once_the_calls_under_way_end(
    under_way: str, most: str, is_reserved: bool
) -> None:
    refused = budgets.refusal([row(under_way_usd=Decimal(under_way))], Decimal(most))
    assert isinstance(refused, BudgetSpent)
    assert isinstance(refused, BudgetReserved) == is_reserved


def test_of_two_budgets_the_one_that_is_spent_is_named() -> None:
    rows = [row(scope="all", **RESERVED), row()]
    refused = budgets.refusal(rows, Decimal("0.4"))
    assert isinstance(refused, BudgetSpent)
    assert refused.scope == "key:garden"
    assert [(a.kind, a.subject) for a in budgets.alerts(rows, Decimal("0.4"))] == [
        ("budget_spent", "key:garden 2026-11-23")
    ]


def test_work_refused_by_a_budget_waits_a_day_and_uses_no_retry() -> None:
    refused = budgets.refusal([row()], Decimal("0.4"))
    after = decide(refused, failures=3, retry=Retry(), errors=ErrorTable(), rng=random.Random(1))
    assert (after.status, after.outcome, after.error_class) == (Status.QUEUED, "held", "budget")
    assert (after.delay, after.failed) == (3600.0, False)
    assert after.error == str(refused)


@pytest.mark.parametrize(
    ("spent", "refuses", "alerted", "told"),
    [
        ("1.59", False, [], []),
        ("1.60", False, [], ["budget"]),
        ("1.60", False, ["budget"], []),
        ("1.60", False, ["budget_spent"], []),
        ("0.00", True, [], ["budget_spent"]),
        ("1.80", True, [], ["budget_spent"]),
        ("1.80", True, ["budget"], ["budget_spent"]),
        ("1.80", True, ["budget", "budget_spent"], []),
    ],
)
def test_alerts_come_at_80_per_cent_and_at_the_stop_once_each(
    spent: str, refuses: bool, alerted: list[str], told: list[str]
) -> None:
    met = row(
        spent_usd=Decimal(spent), reserved_usd=Decimal("0.2"), refuses=refuses, alerted=alerted
    )
    found = budgets.alerts([met], Decimal(2))
    assert [alert.kind for alert in found] == told
    assert all(alert.subject == "key:garden 2026-11-23" for alert in found)


@pytest.mark.parametrize("written", ["-1", "nan", "inf", "much", "", "100000000", None])
def test_what_is_no_amount_of_dollars_is_refused(written: Any) -> None:
    with pytest.raises(UserError, match="write dollars a day"):
        budgets.amount(written)


def test_amounts_keep_their_digits() -> None:
    assert [budgets.amount(value) for value in ("2.50", 0.1, 0)] == [
        Decimal("2.5"),
        Decimal("0.1"),
        Decimal(0),
    ]


@pytest.mark.parametrize("scope", ["everything", "key:", "site:garden", "all "])
async def test_a_budget_of_no_scope_is_refused_before_anything_runs(scope: str) -> None:
    with pytest.raises(ConfigError, match="is no scope of a budget"):
        await budgets.declare(None, App("app", [], extensions=[Budgets({scope: 1.0})]))  # type: ignore[arg-type]

"""What cannot be stored is refused, and the error says which value, where and why."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, field_serializer

from overnight.errors import InvalidPayload
from overnight.pipelines.pipeline import dump

NAN, INFINITY = float("nan"), float("inf")


class Score(BaseModel):
    value: float | None = None
    name: str = ""


class Page(BaseModel):
    scores: list[Score] = []
    byAlias: float = Field(0.0, serialization_alias="other")  # noqa: N815


class Frank(BaseModel):
    """Whoever configures it means it."""

    model_config = ConfigDict(ser_json_inf_nan="null")
    value: float = NAN


class Hidden(BaseModel):
    value: float = Field(NAN, exclude=True)
    rounded: float = NAN

    @field_serializer("rounded")
    def write(self, value: float) -> None:
        return None


@dataclass
class Plain:
    value: float


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (NAN, "nan is a number that JSON does not have"),
        ({"a": [1, {"b": INFINITY}]}, "inf at a[1].b is a number"),
        ((1, -INFINITY), "-inf at [1] is a number"),
        ({"a b": {0: NAN}}, "nan at ['a b'][0] is a number"),
        (Score(value=NAN), "nan at value is a number"),
        (Page(scores=[Score(), Score(value=INFINITY)]), "inf at scores[1].value is a number"),
        (Page(byAlias=NAN), "nan at byAlias is a number"),
        ({"page": [Plain(NAN)]}, "nan at page[0].value is a number"),
        ({"scores": {1.0, NAN}}, "nan at scores["),
        (
            {"text": "a\x00b"},
            r"'a\x00b' at text holds a NUL character, which Postgres cannot store",
        ),
        ({"\x00": 1}, r"at [key '\x00'] holds a NUL character"),
        (Score(name="\ud800"), r"'\ud800' at name cannot be written as JSON"),
        ({"a": {"\udcff": 1}}, r"at a[key '\udcff'] cannot be written as JSON"),
        ({"raw": [b"\xff"]}, r"b'\xff' at raw[0] cannot be written as JSON"),
        ({"raw": {"x": object()}}, "at raw.x cannot be written as JSON"),
        (CIRCLE, "Circular reference"),
        (
            {"texts": ["", "x" * 16_000_001]},
            "… at texts[1] has 16,000,003 characters of JSON; at most 16,000,000",
        ),
        (["x" * 9_000_000] * 2, "has 18,000,007 characters"),
        ({"digits": 10**5000, "gone": None}, "cannot be read again"),
    ],
)
def test_an_error_says_which_value_where_and_why(value: Any, said: str) -> None:
    with pytest.raises(InvalidPayload) as caught:
        dump(value)
    assert str(caught.value).startswith("the payload cannot be stored: ")
    assert said in str(caught.value)
    assert len(str(caught.value)) < 1_000
    assert "\x00" not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        "NaN",
        {"NaN": None},
        ["Infinity", "-Infinity"],
        {"a": r"\u0000"},
        Frank(),
        [Frank()],
        Hidden(),
        Score(),
        None,
        1e308,
    ],
)
def test_what_only_looks_like_it_is_stored(value: Any) -> None:
    json.loads(dump(value), parse_constant=pytest.fail)


FINITE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc NaN"), inner),
)  # fmt: skip


@given(FINITE)
def test_whatever_json_can_hold_is_stored_as_it_is(value: Any) -> None:
    assert json.loads(dump(value)) == value


@given(FINITE, st.sampled_from([NAN, INFINITY, -INFINITY]), st.lists(st.integers(0, 2), max_size=4))
def test_the_path_leads_to_the_value(other: Any, wrong: float, path: list[int]) -> None:
    value: Any = wrong
    for place in reversed(path):
        value = [*[other] * place, value]
    with pytest.raises(InvalidPayload) as caught:
        dump(value)
    where = "".join(f"[{place}]" for place in path)
    assert f"{wrong!r}{f' at {where}' if path else ''} is a number" in str(caught.value)

"""The first fault of a value that does not fit, as one sentence."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from overnight.errors import first_fault


class Row(BaseModel):
    clicks: int


class Answer(BaseModel):
    rows: list[Row]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"rows": [{"clicks": 1}, {}]}, "rows.1.clicks: Field required"),
        ({"rows": [{"clicks": "many"}]}, "rows.0.clicks: Input should be a valid integer"),
        ({}, "rows: Field required"),
        ([], "Input should be a valid dictionary or instance of Answer"),
    ],
)
def test_it_names_the_place_and_what_is_wrong(value: object, sentence: str) -> None:
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(Answer).validate_python(value)
    assert first_fault(raised.value).startswith(sentence)


def test_it_never_shows_the_value() -> None:
    with pytest.raises(ValidationError) as raised:
        Row.model_validate({"clicks": "sk-secret"})
    assert "sk-secret" not in first_fault(raised.value)


class Plan(BaseModel, extra="forbid"):
    name: str
    rows: list[Row]


class Total(BaseModel, extra="forbid"):
    total: int


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"name": "a", "rows": [{}]}, "rows.0.clicks: Field required"),
        ({"total": "many"}, "total: Input should be a valid integer"),
    ],
)
@pytest.mark.parametrize("union", [Plan | Total, Total | Plan])
def test_of_a_union_it_is_that_of_the_member_that_is_meant(
    value: object, sentence: str, union: object
) -> None:
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(union).validate_python(value)
    assert first_fault(raised.value, of_union=True).startswith(sentence)


def test_what_is_no_json_is_told_of_a_union_too() -> None:
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(Plan | Total).validate_json("{")
    assert first_fault(raised.value, of_union=True).startswith("Invalid JSON")

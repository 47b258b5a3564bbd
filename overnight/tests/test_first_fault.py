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

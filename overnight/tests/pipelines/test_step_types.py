"""Neighbouring steps: types that certainly do not fit are refused where the steps are defined."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    computed_field,
    model_serializer,
    model_validator,
)
from typing_extensions import TypedDict

from overnight import Cancel, ConfigError, NoWork, Pipeline, Review, Snooze


class Draft(BaseModel):
    title: str
    words: int = 0


class Topic(BaseModel):
    name: str


class LongDraft(Draft):
    pages: int


class Titled(BaseModel):
    title: Topic


class Aliased(BaseModel):
    topic: str = Field(validation_alias="title")


class Tree(BaseModel):
    kids: list[Tree]


class Numbers(RootModel[list[int]]):
    pass


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class Text(BaseModel):
    text: str

    @model_validator(mode="before")
    @classmethod
    def of_text(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value


class Written(BaseModel):
    title: str

    @model_serializer
    def as_text(self) -> str:
        return self.title


class Computed(BaseModel):
    @computed_field  # type: ignore[prop-decorator]
    @property
    def title(self) -> str:
        return "a title"


class Loose(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)
    words: str


class Colour(Enum):
    RED = "red"


class Entry(TypedDict):
    title: str


@dataclass
class Record:
    title: str


class Unknown:
    """A type of which Pydantic knows nothing."""


def define(output: Any, input_: Any) -> None:
    """A pipeline of two steps with these types."""

    def write(ctx: Any, value: Any) -> Any: ...
    def ship(ctx: Any, value: Any) -> Any: ...

    write.__annotations__["return"] = output
    ship.__annotations__["value"] = input_
    pipeline = Pipeline("orders")
    pipeline.step(write)
    pipeline.step(ship)


WRONG: list[tuple[Any, Any]] = [
    (Draft, Topic),
    (Draft | Review, Topic),
    (Draft | NoWork | Cancel | Snooze, Topic),
    (Draft | None, Topic | None),
    (Draft, Topic | int),
    (Draft, Titled),
    (Draft, str),
    (Draft, list[Draft]),
    (list[Draft], Draft),
    (list[int], list[Draft]),
    (dict[str, int], dict[str, Topic]),
    (tuple[int, ...], str),
    (int, str),
    (str, Draft),
    (str | int, Draft),
    (str, list[str]),
    (None, Draft),
    (bool, date),
    (Decimal, list[Decimal]),
    (datetime, Draft),
    (Colour, Draft),
    (Literal["a", "b"], Draft),
    (Numbers, Draft),
    (Draft, Numbers),
    (Record, Topic),
    (Entry, list[str]),
    (Tree, Topic),
    (Annotated[Draft, "a note"], Topic),
]


@pytest.mark.parametrize(("output", "input_"), WRONG)
def test_steps_whose_types_do_not_fit_are_refused(output: Any, input_: Any) -> None:
    with pytest.raises(ConfigError, match="which the next step, ship, cannot take as"):
        define(output, input_)


RIGHT: list[tuple[Any, Any]] = [
    (Draft, Draft),
    (Draft | Review, Draft),
    (Review, Draft),
    (Review | None, Draft),
    (Draft | None, Draft),
    (Draft, Draft | None),
    (Draft | str, Draft),
    (Draft, Any),
    (Any, Draft),
    (object, Draft),
    (BaseModel, Draft),
    (BaseModel, list[int]),
    (Draft, LongDraft),  # what a step returns may be of a derived class
    (LongDraft, Draft),
    (Draft, Aliased),
    (Draft, dict[str, Any]),
    (dict[str, Any], Draft),
    (Draft, Entry),
    (Entry, Draft),
    (Record, Draft),
    (Draft, Record),
    (Open, Topic),
    (Computed, Draft),
    (Written, str),
    (Written, Draft),
    (str, Text),
    (Draft, Loose),
    (str, Annotated[Draft, BeforeValidator(lambda text: Draft(title=text))]),
    (str, int),  # "5" is read as a number
    (str, datetime),
    (str, Decimal),
    (str, Colour),
    (int, float),
    (bool, int),
    (float, datetime),
    (Decimal, str),
    (Numbers, list[int]),
    (list[int], Numbers),
    (set[int], list[int]),
    (tuple[int, str], list[Any]),
    (list[Draft | None], list[Draft]),
    (Tree, Tree | Topic),
    (Unknown, Draft),
    (str, Path),
]


@pytest.mark.parametrize(("output", "input_"), RIGHT)
def test_types_of_which_some_values_fit_are_taken(output: Any, input_: Any) -> None:
    define(output, input_)


@pytest.mark.parametrize(
    ("output", "input_", "sentence"),
    [
        (
            Draft | Review,
            Topic,
            "pipeline orders: step write returns Draft, which the next step, ship, cannot take as "
            "Topic: the field “name” is missing",
        ),
        (
            Draft,
            Titled,
            "pipeline orders: step write returns Draft, which the next step, ship, cannot take as "
            "Titled: the field “title” has another type",
        ),
        (
            list[Draft] | None,
            str,
            "pipeline orders: step write returns list[Draft] | None, which the next step, ship, "
            "cannot take as str",
        ),
    ],
)
def test_the_refusal_names_both_steps_and_types(output: Any, input_: Any, sentence: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        define(output, input_)
    assert str(refusal.value) == sentence


def test_steps_without_annotations_are_taken() -> None:
    def write(ctx, value):  # type: ignore[no-untyped-def]
        return value

    def ship(ctx, value):  # type: ignore[no-untyped-def]
        return value

    pipeline = Pipeline("orders")
    pipeline.step(write)
    pipeline.step(ship)
    assert list(pipeline.steps) == ["write", "ship"]


def test_steps_that_are_no_neighbours_are_not_compared() -> None:
    pipeline = Pipeline("orders")

    @pipeline.step
    def write(ctx: Any, value: str) -> Draft:
        return Draft(title=value)

    @pipeline.step
    def name(ctx: Any, draft: Draft) -> Topic:
        return Topic(name=draft.title)

    @pipeline.step
    def ship(ctx: Any, topic: Topic) -> str:
        return topic.name

    assert list(pipeline.steps) == ["write", "name", "ship"]

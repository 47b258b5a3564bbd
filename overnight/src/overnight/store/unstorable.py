"""What of a value cannot be stored, and where in it: for the message of the error, so it may take
its time.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import BaseModel

from overnight.logs import shown
from overnight.store.storable import json_of


def loss(value: Any, text: str) -> str | None:
    """Why a value is not what its JSON text says, or None."""
    try:
        place = _lost_number(value, json.loads(text))
    except ValueError as error:  # an integer of thousands of digits
        return f"cannot be read again: {error}"
    return (
        None
        if place is None
        else f"has a number that JSON does not have{_at(place)}, and would lose it"
    )


def fault(value: Any, reason: str) -> str:
    """Which part of a value cannot be stored, and why: the innermost that could not be stored by
    itself either.
    """
    path, part, above = "", value, {id(value)}
    while True:
        inner = ((name, child, json_of(child)[1]) for name, child in _parts(part))
        faulty = next(((name, child, why) for name, child, why in inner if why is not None), None)
        if faulty is None or id(faulty[1]) in above:
            break
        above.add(id(faulty[1]))
        path, part, reason = path + faulty[0], faulty[1], faulty[2]
    return f"{shown(part)}{_at(path)} {reason}"


def _at(path: str) -> str:
    return f" at {path.removeprefix('.')}" if path else ""


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """The parts of a value, each with how a path to it goes on."""
    if isinstance(value, Mapping):
        yield from (
            (f".{key}" if _is_name(key) else f"[{shown(key)}]", child)
            for key, child in value.items()
        )
        yield from (
            (f"[key {shown(key)}]", key)
            for key in value
            if not _is_name(key) and isinstance(key, str)
        )
    elif isinstance(value, list | tuple | AbstractSet):
        yield from ((f"[{index}]", child) for index, child in enumerate(value))
    elif isinstance(value, BaseModel):
        members = {**value.__dict__, **(value.__pydantic_extra__ or {})}
        hidden = {name for name, field in type(value).model_fields.items() if field.exclude}
        yield from ((f".{name}", child) for name, child in members.items() if name not in hidden)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from ((f".{field.name}", getattr(value, field.name, None)) for field in fields(value))


def _is_name(key: Any) -> bool:
    return isinstance(key, str) and key.isidentifier()


def _lost_number(value: Any, written: Any) -> str | None:
    """Where a number that is none (NaN, Infinity) was written as null, which a model does without a
    word.
    """
    if isinstance(value, float):
        return "" if written is None and not math.isfinite(value) else None
    if isinstance(value, BaseModel) and _says_how(type(value)):
        return None
    for name, child, there in _written(value, written):
        if (path := _lost_number(child, there)) is not None:
            return f"{name}{path}"
    return None


def _says_how(model: type[BaseModel]) -> bool:
    """Whether the author of a model says how it is written down, and so means what is written."""
    own = model.__pydantic_decorators__
    return "ser_json_inf_nan" in model.model_config or bool(
        own.field_serializers or own.model_serializers
    )


def _written(value: Any, written: Any) -> Iterator[tuple[str, Any, Any]]:
    """The parts of a value beside what was written for each. What a serializer of its own shaped is
    left out.
    """
    if isinstance(value, list | tuple) and isinstance(written, list):
        yield from (
            (f"[{index}]", *pair) for index, pair in enumerate(zip(value, written, strict=False))
        )
    elif isinstance(value, Mapping) and isinstance(written, dict):
        yield from ((f".{key}", child, written.get(key, ...)) for key, child in value.items())
    elif isinstance(value, BaseModel) and isinstance(written, dict):
        for name, child in value.__dict__.items():
            field = type(value).model_fields.get(name)
            alias = field.serialization_alias if field is not None else None
            yield f".{name}", child, written.get(alias or name, ...)
    elif is_dataclass(value) and not isinstance(value, type) and isinstance(written, dict):
        yield from (
            (f".{field.name}", getattr(value, field.name, None), written.get(field.name, ...))
            for field in fields(value)
        )

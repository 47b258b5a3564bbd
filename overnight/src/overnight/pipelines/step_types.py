"""Whether the output of a step can be the input of the next one, as their annotations say it.

A step's output goes to the next step as JSON, so both types are compared as the JSON that they
write and read. What is refused is certainly wrong: where a type cannot be known (`Any`, a
serializer or a validator of its own), it fits.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from types import NoneType, UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, TypeAdapter

from overnight.errors import ConfigError
from overnight.pipelines.outcomes import Outcome
from overnight.pipelines.pipeline import Step

Schema = Mapping[str, Any]  # of pydantic-core

DEPTH = 6  # of types within types that are compared
ARRAY, OBJECT = {"array"}, {"object"}
LITERALS = {"string", "number", "boolean", "null"}
TEXT = {"string", "number"}  # dates and the like are read from both, by Pydantic's lax mode
NUMBERS = {"number", "string", "boolean"}
RECORDS = ("model", "dataclass")
# The kinds of JSON that a type may be written as.
WRITTEN: Mapping[str, set[str]] = {
    "none": {"null"},
    "bool": {"boolean"},
    "int": {"number"},
    "float": {"number"},
    "decimal": TEXT,
    "str": {"string"},
    "literal": LITERALS,
    "enum": LITERALS,
    **dict.fromkeys(("dict", "typed-dict", *RECORDS), OBJECT),
    **dict.fromkeys(("date", "time", "datetime", "timedelta", "uuid", "url", "bytes"), TEXT),
    **dict.fromkeys(("list", "set", "frozenset", "tuple", "generator"), ARRAY),
}
# Those that it is read from.
READ = {**WRITTEN, **dict.fromkeys(("bool", "int", "float", "decimal"), NUMBERS)}
# What stands around a type without changing its JSON, and what changes only how it is read.
WRAPPERS = ("default", "definitions", "function-after", "nullable")
VALIDATORS = ("function-before", "function-wrap")


def check(pipeline: str, before: Step, after: Step) -> None:
    """Raises `ConfigError` where the output of `before` is certainly no input of `after`."""
    output, input_ = output_type(before.function), _input_type(after.function)
    if output is Any or input_ is Any or output == input_:
        return
    try:
        reason = misfit(output, input_)
    except Exception:  # a type that Pydantic does not know, or not yet
        return
    if reason is not None:
        raise ConfigError(
            f"pipeline {pipeline}: step {before.name} returns {_name(output)}, which the next "
            f"step, {after.name}, cannot take as {_name(input_)}{reason}"
        )


def output_type(function: Callable[..., Any]) -> Any:
    """The type of a step's output: what it is annotated to return, without outcomes; `Any` where
    that says nothing.
    """
    annotated = get_type_hints(function, include_extras=True).get("return", Any)
    members = list(_members(annotated))
    outcomes = get_args(Outcome)
    values = [each for each in members if each not in outcomes]
    if len(values) < len(members) and values == [NoneType]:  # an optional outcome
        return Any
    return Union[tuple(values)] if values else Any  # noqa: UP007  of a list


def misfit(output: Any, input_: Any) -> str | None:
    """Why no JSON of the one type is read as the other, as the end of a sentence; None where some
    may be.
    """
    return _misfit(_Part(TypeAdapter(output).core_schema), _Part(TypeAdapter(input_).core_schema))


class _Part(NamedTuple):
    """A part of a type's schema, with the definitions that it may refer to."""

    schema: Schema
    definitions: Mapping[str, Schema] = {}
    depth: int = 0

    @property
    def type(self) -> str:
        return str(self.schema["type"])

    def within(self, schema: Schema) -> _Part:
        return _Part(schema, self.definitions, self.depth + 1)


def _misfit(output: _Part, input_: _Part) -> str | None:
    """None where one that may be written fits one that is read. Of an optional output the value
    counts, and not None.
    """
    written, taken = list(_alternatives(output, read=False)), list(_alternatives(input_, read=True))
    values = [each for each in written if each is None or each.type != "none"] or written
    if None in values or None in taken:
        return None
    reasons = [_unlike(one, other) for one in values for other in taken if one and other]
    return None if None in reasons else (reasons[0] if len(reasons) == 1 else "")


def _alternatives(part: _Part, *, read: bool) -> Iterator[_Part | None]:
    """What a type may be, without what stands around it; None for what cannot be known."""
    schema, kind = part.schema, part.type
    if part.depth > DEPTH or (not read and "serialization" in schema):
        yield None
    elif kind == "definition-ref":
        referred = part.definitions[schema["schema_ref"]]
        yield from _alternatives(part.within(referred), read=read)
    elif kind in WRAPPERS or (kind in VALIDATORS and not read):
        if kind == "nullable":
            yield _Part({"type": "none"})
        more = {each["ref"]: each for each in schema.get("definitions", ())}
        inner = _Part(schema["schema"], {**part.definitions, **more}, part.depth)
        yield from _alternatives(inner, read=read)
    elif kind in ("union", "tagged-union"):
        for choice in _choices(schema):
            yield from _alternatives(part.within(choice), read=read)
    elif schema.get("root_model"):
        yield from _alternatives(part.within(schema["schema"]), read=read)
    else:
        is_free = _is_free(schema) if read else schema.get("cls") is BaseModel
        yield part if kind in READ and not is_free else None


def _choices(schema: Schema) -> Iterator[Schema]:
    choices = schema["choices"]
    for choice in choices.values() if isinstance(choices, Mapping) else choices:
        yield choice[0] if isinstance(choice, tuple) else choice


def _is_free(schema: Schema) -> bool:
    """Whether a type reads what its schema does not say: a text that takes numbers, a record that
    changes its input.
    """
    if schema["type"] not in RECORDS:
        return bool(schema.get("coerce_numbers_to_str"))
    config = schema.get("config", {})
    by_itself = schema.get("custom_init") or _content(schema)["type"] not in RECORDS
    return bool(by_itself or config.get("coerce_numbers_to_str"))


def _content(schema: Schema) -> Schema:
    """The fields of a record, without what checks it afterwards."""
    inner = schema["schema"]
    while inner["type"] == "function-after":
        inner = inner["schema"]
    return {**inner, "type": inner["type"].replace("-fields", "").replace("-args", "")}


def _unlike(output: _Part, input_: _Part) -> str | None:
    """Why the one of two types, each no union, is not read as the other."""
    if WRITTEN[output.type].isdisjoint(READ[input_.type]):
        return ""
    if output.type in RECORDS and input_.type in RECORDS:
        return _unlike_fields(output, input_)
    for items in ("items_schema", "values_schema"):  # an empty one would fit; nobody means it
        ours, theirs = output.schema.get(items), input_.schema.get(items)
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            return None if _misfit(output.within(ours), input_.within(theirs)) is None else ""
    return None


def _unlike_fields(output: _Part, input_: _Part) -> str | None:
    """Which field of a record is not read as that of the other."""
    written, taken = _fields(output.schema), _fields(input_.schema)
    if written is None or taken is None or _may_be(output.schema, input_.schema):
        return None
    for name, field in taken.items():
        fields = [each for key, each in written.items() if _names(key, each) & _names(name, field)]
        if not fields and _is_required(field):
            return f": the field “{name}” is missing"
        if len(fields) == 1 and _is_named(field):
            ours, theirs = output.within(fields[0]["schema"]), input_.within(field["schema"])
            if _misfit(ours, theirs) is not None:
                return f": the field “{name}” has another type"
    return None


def _may_be(output: Schema, input_: Schema) -> bool:
    """Whether a value of the one class may be one of the other, which is derived from it."""
    ours, theirs = output.get("cls"), input_.get("cls")
    return ours is not None and theirs is not None and issubclass(theirs, ours)


def _fields(record: Schema) -> Mapping[str, Schema] | None:
    """The fields of a record by their names; None where it may have others."""
    content = _content(record)
    extra = record.get("config", {}).get("extra_fields_behavior")
    if extra == "allow" or content["type"] not in RECORDS:
        return None
    fields = content["fields"]
    if not isinstance(fields, Mapping):  # of a dataclass
        fields = {field["name"]: field for field in fields}
    computed = {
        each["property_name"]: {**each, "schema": {"type": "any"}}
        for each in content.get("computed_fields", ())
    }
    return {**fields, **computed}


def _names(name: str, field: Schema) -> set[str]:
    """The names by which a field may be read or written."""
    aliases = (field.get(key) for key in ("validation_alias", "serialization_alias", "alias"))
    return {name, *(alias for alias in aliases if isinstance(alias, str))}


def _is_required(field: Schema) -> bool:
    return field["schema"]["type"] != "default" and _is_named(field)


def _is_named(field: Schema) -> bool:
    """Whether `_names` are all names by which the field is read."""
    return isinstance(field.get("validation_alias", ""), str)


def _input_type(function: Callable[..., Any]) -> Any:
    parameters = list(inspect.signature(function).parameters)
    return get_type_hints(function, include_extras=True).get(parameters[1], Any)


def _members(annotation: Any) -> Iterator[Any]:
    """The members of a union, or the type itself."""
    value = getattr(annotation, "__value__", annotation)  # of `type X = …`
    if get_origin(value) in (Union, UnionType):
        for member in get_args(value):
            yield from _members(member)
    else:
        yield annotation


def _name(annotation: Any) -> str:
    """A type as its author wrote it, without its modules."""
    return " | ".join(map(_member_name, _members(annotation)))


def _member_name(annotation: Any) -> str:
    if annotation is NoneType:
        return "None"
    is_class = isinstance(annotation, type) and get_origin(annotation) is None
    text = annotation.__qualname__ if is_class else str(annotation)
    return re.sub(r"(?:[\w<>]+\.)+(?=\w)", "", text)

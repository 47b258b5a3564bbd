"""The event stream and the frame around an answer, with generated inputs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from overnight.llm import TransientCall, Usage
from overnight.llm.sse import BadStream, Event, Parser
from overnight.llm.wire import json_answer, unframed

BOM = b"\xef\xbb\xbf"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
LINE = TEXT.map(lambda text: text.replace("\r", "").replace("\n", ""))
EVENTS = st.lists(
    st.builds(Event, TEXT.map(lambda text: text.replace("\r", "")), LINE.filter(bool)), max_size=5
)
NOISE = st.sampled_from(
    [": a comment", ":", "id: 7", "id", "retry: 10", "retry: soon", "unknown: field", " data: not"]
)
ENDS = st.sampled_from(["\n", "\r", "\r\n"])


@st.composite
def serialised(draw: st.DrawFn, events: list[Event]) -> bytes:
    """The events in one of the ways that the standard allows."""
    # A lone \r before an empty line that ends in \n would be one line end, so a stream keeps to one
    # way.
    end = draw(ENDS)
    lines: list[str] = []
    for number, event in enumerate(events):
        fields = [_field(draw, "data", line) for line in event.data.split("\n")]
        if event.type != "message" or draw(st.booleans()):
            fields.insert(draw(st.integers(0, len(fields))), _field(draw, "event", event.type))
        for noise in draw(st.lists(NOISE, max_size=3)):
            fields.insert(draw(st.integers(0, len(fields))), noise)
        is_last = number == len(events) - 1
        lines += [*fields, *([""] * draw(st.integers(0 if is_last else 1, 2)))]
    stream = "".join(line + end for line in lines).encode()
    if lines and lines[-1] and draw(st.booleans()):
        stream = stream.removesuffix(end.encode())
    return (BOM if draw(st.booleans()) else b"") + stream


def _field(draw: st.DrawFn, name: str, value: str) -> str:
    if not value and draw(st.booleans()):
        return name
    needs_space = value.startswith(" ")
    return f"{name}:{' ' if needs_space or draw(st.booleans()) else ''}{value}"


def read(stream: bytes, cuts: list[int]) -> Iterator[Event]:
    parser = Parser()
    for start, stop in pairwise([0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]):
        yield from parser.feed(stream[start:stop])
    yield from parser.end()


def until_it_ends(stream: bytes, cuts: list[int]) -> list[Event | str]:
    """The events, and how the stream is bad if it is."""
    found: list[Event | str] = []
    try:
        for event in read(stream, cuts):
            found.append(event)
    except BadStream as error:
        found.append(str(error))
    return found


CUTS = st.lists(st.integers(0, 1_000), max_size=6)


@given(st.data(), EVENTS, CUTS)
def test_events_are_read_as_written_in_any_form_and_any_chunks(
    data: st.DataObject, events: list[Event], cuts: list[int]
) -> None:
    assert list(read(data.draw(serialised(events)), cuts)) == events


PIECES = st.sampled_from(
    [
        b"data:",
        b"event: x",
        b"\n",
        b"\r",
        b"\r\n",
        BOM,
        b"\0",
        b"\xff",
        b"\xe2\x82",
        b": ",
        b"id: 1",
    ]
)


@given(st.lists(PIECES | st.binary(max_size=8), max_size=20).map(b"".join), CUTS)
def test_any_bytes_are_events_or_a_bad_stream_in_whatever_chunks(
    stream: bytes, cuts: list[int]
) -> None:
    ends = [until_it_ends(stream, places) for places in (cuts, [], list(range(len(stream))))]
    assert ends[0] == ends[1] == ends[2]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
THOUGHTS = TEXT.filter(lambda text: "</" not in text)
USED = Usage(input_tokens=1, output_tokens=1)


@given(
    st.dictionaries(TEXT, VALUES, max_size=4),
    st.none() | THOUGHTS,
    st.none()
    | st.tuples(
        st.sampled_from(["```", "````", "~~~"]), st.sampled_from(["", "json", "JSON", " json5"])
    ),
    st.sampled_from(["", "\n", " \n\n", "\r\n"]),
    st.sampled_from([None, 1]),
)
def test_one_frame_around_the_whole_answer_is_taken_off(
    value: dict[str, object],
    thoughts: str | None,
    fence: tuple[str, str] | None,
    space: str,
    indent: int | None,
) -> None:
    answer = json.dumps(value, ensure_ascii=False, indent=indent)
    framed = answer if fence is None else f"{fence[0]}{fence[1]}\n{answer}\n{fence[0]}"
    framed = framed if thoughts is None else f"<think>{thoughts}</think>{space}{framed}"
    assert json.loads(json_answer(space + framed + space, USED)) == value


@given(
    st.dictionaries(TEXT, VALUES, max_size=3),
    TEXT.filter(lambda text: text.strip(" \t\r\n\x0b\x0c") != ""),
)
def test_prose_around_an_answer_is_refused_with_its_usage(
    value: dict[str, object], prose: str
) -> None:
    answer = json.dumps(value)
    for text in (f"Here you are: {prose} {answer}", f"{answer}\nI hope it helps. {prose}"):
        try:
            json_answer(text, USED)
        except TransientCall as error:
            assert error.usage == USED
        else:
            raise AssertionError(text)


MARKS = st.sampled_from(
    [
        "<think>",
        "</think>",
        "```",
        "```json\n",
        "\n```",
        "~~~",
        "{}",
        '{"a": "```"}',
        "[" * 2_000,
        "NaN",
    ]
)


@given(st.lists(MARKS | TEXT, max_size=8).map("".join))
def test_any_text_is_an_answer_in_json_or_is_refused(text: str) -> None:
    assert unframed(text) in text
    try:
        answer = json_answer(text, USED)
    except TransientCall:
        return
    json.loads(answer)

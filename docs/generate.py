"""Writes what the code says of itself: docs/reference/*.md, and the diagrams in docs/lifecycle.md
and docs/architecture.md.

    python docs/generate.py            writes them
    python docs/generate.py --check    writes nothing; exit code 1 where a page is stale

Sorted, without addresses or line numbers, so that a page changes only where the code does.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import grimp

import overnight
import overnight.testing
from overnight.cli.main import cli
from overnight.store.sql import queries

DOCS = Path(__file__).parent
PACKAGES = ("overnight", "contentstudio")
GROUND = "ground"  # in the picture: the modules that import no package
WIDTH = 100  # characters of a line of code
NOTE = "<!-- Written by docs/generate.py (make docs). Change the docstrings, not this page. -->"
ROOMS = "<!-- generated: the packages and their imports -->"
BEGIN, END = "<!-- generated: the table of transitions -->", "<!-- end of what is generated -->"

Transitions = list[tuple[str, str, str]]  # from, to, verb


def main(arguments: list[str]) -> int:
    stale = {
        path: text
        for path, text in pages().items()
        if not path.exists() or path.read_text("utf-8") != text
    }
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"docs/{path.relative_to(DOCS)} is stale: make docs writes it\n")
        return 1 if stale else 0
    for path, text in stale.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return 0


def pages() -> dict[Path, str]:
    """Each page with the text that it should have."""
    names = [(name, getattr(overnight, name)) for name in sorted(overnight.__all__)]
    return {
        DOCS / "reference/python.md": _page(
            "The public names of overnight", _names("overnight", names)
        ),
        DOCS / "reference/testing.md": _page("overnight.testing", _module(overnight.testing)),
        DOCS / "reference/commands.md": _page("The commands of overnight", _commands(cli)),
        DOCS / "architecture.md": _architecture(),
        DOCS / "lifecycle.md": _between(
            (DOCS / "lifecycle.md").read_text("utf-8"), diagram(transitions())
        ),
    }


def _page(title: str, parts: Iterable[str]) -> str:
    return "\n\n".join((f"# {title}", NOTE, *parts)) + "\n"


def _between(page: str, part: str, begin: str = BEGIN) -> str:
    """The hand-written page with its generated part put in."""
    head, _, rest = page.partition(begin)
    return f"{head}{begin}\n{part}\n{END}{rest.partition(END)[2]}"


def _architecture() -> str:
    """The page with the picture and the table of each package put in."""
    text = (DOCS / "architecture.md").read_text("utf-8")
    graph = grimp.build_graph(*PACKAGES)
    for package in PACKAGES:
        begin = ROOMS.replace("packages", f"packages of {package}")
        text = _between(text, "\n\n".join((_imports(graph, package), _rooms(package))), begin)
    return text


def _imports(graph: grimp.ImportGraph, package: str) -> str:
    """A picture of what imports what, without the arrows that others imply."""
    rooms = {room: room.removeprefix(f"{package}.") for room in graph.find_children(package)}
    imports = {
        room: {
            other
            for other in rooms.keys() - {room}
            if graph.direct_import_exists(importer=room, imported=other, as_packages=True)
        }
        for room in rooms
    }
    packages = {room for room in rooms if _is_package(room)}
    ground = {room for room in rooms if not _reach(imports, room) & packages} - packages
    names = {room: GROUND if room in ground else name for room, name in rooms.items()}
    below: dict[str, set[str]] = {name: set() for name in names.values()}
    for room, others in imports.items():
        below[names[room]] |= {names[other] for other in others}
    arrows = sorted(
        (name, other)
        for name, others in below.items()
        for other in others - {name}
        if not any(other in _reach(below, each) for each in others - {name, other})
    )
    lines = [f"    {name} --> {other}" for name, other in arrows]
    return _code("\n".join(("flowchart TD", *lines)), "mermaid")


def _reach(below: dict[str, set[str]], name: str) -> set[str]:
    """Everything that a name imports, also by way of others."""
    reach, rest = set[str](), [name]
    while rest:
        for other in below[rest.pop()] - reach:
            reach.add(other)
            rest.append(other)
    return reach


def _rooms(package: str) -> str:
    """A table of the packages and modules, with the first sentence of each docstring."""
    names = sorted(room.name for room in pkgutil.iter_modules(import_module(package).__path__))
    rows = [
        f"| `{name}` | {_first_sentence(import_module(f'{package}.{name}'))} |" for name in names
    ]
    return "\n".join(("| package or module | what lives there |", "|---|---|", *rows))


def _is_package(module: str) -> bool:
    return hasattr(import_module(module), "__path__")


def _first_sentence(module: ModuleType) -> str:
    text = " ".join((inspect.getdoc(module) or "").split())
    return re.split(r"(?<=\.)\s", text, maxsplit=1)[0]


def _module(module: ModuleType) -> Iterator[str]:
    public = [
        (name, value)
        for name, value in sorted(vars(module).items())
        if not name.startswith("_")
        and (getattr(value, "__module__", "") == module.__name__ or name in _exported(module))
    ]
    yield inspect.getdoc(module) or ""
    yield from _names(module.__name__, public)


def _exported(module: ModuleType) -> Sequence[str]:
    """What a package offers of its modules."""
    return getattr(module, "__all__", ())


def _names(home: str, names: Iterable[tuple[str, Any]]) -> Iterator[str]:
    for name, value in names:
        yield f"## {name}"
        yield _code(f"from {home} import {name}\n\n\n{_declared(name, value)}")
        yield inspect.getdoc(value) or ""
        if inspect.isclass(value) and (members := list(_members(value))):
            yield "\n".join(members)


def _declared(name: str, value: Any) -> str:
    if inspect.isclass(value) and issubclass(value, Enum):
        return "\n".join(
            (f"class {name}:", *(f'    {each.name} = "{each.value}"' for each in value))
        )
    if inspect.isclass(value):
        bases = ", ".join(base.__name__ for base in value.__bases__ if issubclass(base, Exception))
        return f"class {_signature(name, value)}" + (f"  # {bases}" if bases else "")
    if inspect.isasyncgenfunction(inspect.unwrap(value)):
        kind = "@asynccontextmanager\nasync def"
    elif inspect.isgeneratorfunction(inspect.unwrap(value)):
        kind = "@contextmanager\ndef"
    else:
        kind = "async def" if inspect.iscoroutinefunction(value) else "def"
    return f"{kind} {_signature(name, value)}"


def _members(class_: type) -> Iterator[str]:
    """Public methods and properties, in their order, each with what its docstring says; also those
    of bases that have no page of their own.
    """
    public = [getattr(overnight, name) for name in overnight.__all__]
    members: dict[str, Any] = {}
    for base in reversed(class_.__mro__):
        if base is class_ or (base.__module__.startswith("overnight.") and base not in public):
            members |= vars(base)
    for name, member in members.items():
        function = (
            member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        )
        if name.startswith("_") or not inspect.isfunction(function):
            continue
        back = inspect.signature(function).return_annotation
        shown = (
            f"{name}: {back}"
            if isinstance(member, property)
            else _signature(name, function, wide=True)
        )
        kind = "async " if inspect.iscoroutinefunction(function) else ""
        told = " ".join((inspect.getdoc(function) or "").split())
        yield f"* `{kind}{shown}`" + (f": {told}" if told else "")


def _signature(name: str, value: Callable[..., Any], *, wide: bool = False) -> str:
    """Name, parameters and what comes back; a long one has a line for each parameter, unless it may
    be `wide`.
    """
    signature = inspect.signature(value)
    inner = list(
        _parameters([p for p in signature.parameters.values() if p.name not in ("self", "cls")])
    )
    back = "" if inspect.isclass(value) else f" -> {signature.return_annotation}"
    line = f"{name}({', '.join(inner)}){back}"
    if wide or len(line) <= WIDTH:
        return line
    return "\n".join((f"{name}(", *(f"    {each}," for each in inner), f"){back}"))


def _parameters(parameters: list[inspect.Parameter]) -> Iterator[str]:
    starred = False
    for place, parameter in enumerate(parameters):
        starred = starred or parameter.kind is parameter.VAR_POSITIONAL
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            starred = True
            yield "*"
        yield _parameter(parameter)
        following = parameters[place + 1 :]
        if parameter.kind is parameter.POSITIONAL_ONLY and not any(
            p.kind is p.POSITIONAL_ONLY for p in following
        ):
            yield "/"


def _parameter(parameter: inspect.Parameter) -> str:
    stars = (
        "*"
        if parameter.kind is parameter.VAR_POSITIONAL
        else "**"
        if parameter.kind is parameter.VAR_KEYWORD
        else ""
    )
    shown = f"{stars}{parameter.name}: {parameter.annotation}"
    return (
        shown
        if parameter.default is parameter.empty
        else f"{shown} = {_default(parameter.default)}"
    )


def _default(value: Any) -> str:
    """A default as people read it; a function or a factory has only an address."""
    return "…" if inspect.isroutine(value) or repr(value).startswith("<") else repr(value)


def _commands(root: click.Group) -> Iterator[str]:
    top = click.Context(root, info_name="overnight", terminal_width=WIDTH, **root.context_settings)
    yield _code(root.get_help(top), "text")
    yield from _below(root, top)


def _below(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in sorted(group.commands):
        command = group.commands[name]
        inner = click.Context(command, info_name=name, parent=context)
        yield f"## {inner.command_path}"
        yield _code(command.get_help(inner), "text")
        if isinstance(command, click.Group):
            yield from _below(command, inner)


def transitions() -> Transitions:
    """The legal transitions, as the migrations write them; a test compares them with a migrated
    database.
    """
    rows: Transitions = []
    for _, _, text in queries.migrations():
        for values in re.findall(
            r"insert into transitions \(from_status, to_status, verb\) values(.*?);", text, re.S
        ):
            rows += re.findall(r"\('(\w+)',\s*'(\w+)',\s*'([^']+)'\)", values)
    return sorted(rows)


def diagram(rows: Transitions) -> str:
    """A Mermaid diagram. A status that nothing leaves is an end."""
    left = {source for source, _, _ in rows}
    ends = sorted({target for _, target, _ in rows} - left)
    arrows = [f"    {source} --> {target}: {verb}" for source, target, verb in sorted(rows)]
    finals = [f"    {end} --> [*]" for end in ends]
    return _code(
        "\n".join(("stateDiagram-v2", "    [*] --> queued: begin", *arrows, *finals)), "mermaid"
    )


def _code(text: str, language: str = "python") -> str:
    return f"```{language}\n{text}\n```"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The policy beside each step: what leans on an upstream names its breaker, what reads has the
night to try again.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from contentstudio import pipelines
from contentstudio.config import Config
from overnight.pipelines.pipeline import Step

UPSTREAMS = (
    "writer.brief",
    "writer.write",
    "writer.rewrite",
    "deps.publisher",
    "search_console.queries",
    "search_console.opened",
)
UPSTREAMS += ("writer.mend", "judge.judge", "indexnow.ping", "fetcher.get", "deps.fetcher")
# What fails there is a verdict of a gate and no error; and one breaker of a site's many hosts would
# hold the well ones.
WITHOUT = {
    "_links": "a dead link",
    "read": "each host has its own turn",
    "_read_changed": "as read",
    "_read_sitemap": "as read",
    "reread": "as read",
    "_confirmed": "what a person edited is never rewritten, and judged again by retries alone",
}


def config(**writing: Any) -> Config:
    site = {
        **{"name": "garden", "url": "https://garden.example", "sources": ["https://a.example/"]},
        **{"publish": {"to": "ghost"}, "search_console": {"name": "sc-domain:garden.example"}},
    }
    return Config.model_validate({"site": [site], "writing": writing})


def steps(of: Config) -> dict[str, Step]:
    built = pipelines.build(of)
    return {
        f"{pipeline.name}/{step.name}": step
        for pipeline in built
        for step in pipeline.steps.values()
    }


def reached(function: Callable[..., Any]) -> set[str]:
    """The upstreams that a function uses, by itself or through others of the pipelines."""
    found, todo, seen = set(), [function], set()
    while todo:
        one = todo.pop()
        if one in seen or one.__name__ in WITHOUT:
            continue
        seen.add(one)
        tree = ast.parse(inspect.getsource(one))
        text = ast.unparse(tree)
        found |= {upstream for upstream in UPSTREAMS if upstream in text}
        todo += filter(inspect.isfunction, used(inspect.getmodule(one), tree))
    return found


def used(module: ModuleType | None, tree: ast.AST) -> Iterator[Any]:
    """What a function names of its own module, and of others beside it."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name):
                yield getattr(module, name, None)
            case ast.Attribute(value=ast.Name(id=beside), attr=name):
                other = getattr(module, beside, None)
                if getattr(other, "__package__", "") == pipelines.__name__:
                    yield getattr(other, name, None)


def test_every_step_that_leans_on_an_upstream_names_a_breaker() -> None:
    leaning = {name: step for name, step in steps(config()).items() if reached(step.function)}
    assert {
        "article/brief",
        "article/generate",
        "article/gate",
        "article/publish",
        "article/ping",
        "memory/remember",
    } <= set(leaning)
    assert [name for name, step in leaning.items() if step.breaker is None] == []


@pytest.mark.parametrize(
    ("step", "breaker"),
    [("article/brief", "writer"), ("article/generate", "writer"), ("article/gate", "judge")],
)
def test_with_a_fallback_models_have_breakers_instead_of_steps(step: str, breaker: str) -> None:
    """The judge has one of its own: where it is away, others still write."""
    assert steps(config())[step].breaker == breaker
    assert steps(config(fallback={"model": "another"}))[step].breaker is None


@pytest.mark.parametrize(
    "step", ["article/publish", "rollback/publish", "publish/publish", "unpublish/unpublish"]
)
def test_retries_of_site_changes_outlast_the_hours_to_give_up(
    step: str,
) -> None:
    retry = steps(config())[step].retry
    assert retry.total > 24 * 3_600
    assert max(retry.backoff) == pipelines.PROBE


@pytest.mark.parametrize("step", ["source/read", "memory/remember", "demand/gather"])
def test_what_reads_tries_again_for_hours(step: str) -> None:
    retry = steps(config())[step].retry
    assert 4 * 3_600 <= retry.total < 6 * 3_600
    assert retry.times < 20

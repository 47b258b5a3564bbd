"""The doctor of a site at a real WordPress: each thing that is wrong there is found, and nothing where all is well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contentstudio import config as settings
from contentstudio import doctor
from contentstudio.publish.port import Finding

Desk = Any  # of conftest.py


@pytest.fixture
def checked(desk: Desk) -> Any:
    async def checked(**options: Any) -> list[Finding]:
        desk.configure(**options)
        text = desk.file.read_text("utf-8")
        desk.file.write_text(f"[fetch]\nallow_loopback = true\n{text}", "utf-8")
        config = settings.load(desk.file)
        return await doctor.check(config, config.find("garden"))

    return checked


def wrong(findings: list[Finding]) -> dict[str, str]:
    return {one.what: one.mend for one in findings if not one.ok}


async def test_a_wordpress_that_is_well_has_nothing_to_mend(checked: Any) -> None:
    found = await checked()
    assert wrong(found) == {}
    told = " ".join(one.what for one in found)
    for what in ("REST API", "application passwords", "permalinks", "editor", "SEO", "sitemap", "clock"):
        assert what in told


async def test_a_wrong_password_may_be_a_header_that_the_server_strips(checked: Any) -> None:
    found = wrong(await checked(password="wrong"))
    assert any("stripped" in what and "HTTP_AUTHORIZATION" in mend for what, mend in found.items())


async def test_a_role_without_rights_is_told(checked: Any) -> None:
    found = wrong(await checked(user="contributor"))
    assert set(found.values()) == {"give contributor the role of an author or an editor"}


async def test_plain_permalinks_are_told(checked: Any, wordpress: Any) -> None:
    wordpress.sql("update wp_options set option_value = '' where option_name = 'permalink_structure'")
    found = wrong(await checked(url=wordpress.url))
    assert any("permalinks are plain" in what and "Post name" in mend for what, mend in found.items()), found


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("add_filter('wp_is_application_passwords_available', '__return_false');", "application passwords are not"),
        ("add_filter('rest_authentication_errors', fn() => new WP_Error('off', 'Off', ['status' => 403]));", "REST"),
        ("add_filter('wp_sitemaps_enabled', '__return_false');", "sitemap"),
    ],
    ids=["passwords", "REST", "sitemap"],
)
async def test_what_a_plugin_switches_off_is_told(
    checked: Any, servers: Any, request: pytest.FixtureRequest, line: str, what: str
) -> None:
    plugin: Path = servers[2] / "wp-content" / "mu-plugins" / "off.php"
    plugin.write_text(f"<?php {line}", "utf-8")
    request.addfinalizer(plugin.unlink)
    found = wrong(await checked())
    assert any(what in told and mend for told, mend in found.items()), found


async def test_which_fields_of_an_seo_plugin_can_be_written_is_told(
    checked: Any, servers: Any, request: pytest.FixtureRequest
) -> None:
    plugin: Path = servers[2] / "wp-content" / "mu-plugins" / "seo.php"
    request.addfinalizer(plugin.unlink)
    route = "register_rest_route('rankmath/v1', '/x', ['callback' => 'x', 'permission_callback' => '__return_true']);"
    meta = "register_post_meta('post', 'rank_math_{}', ['show_in_rest' => true, 'single' => true]);"
    title, description = meta.format("title"), meta.format("description")
    for own, says, missing in (
        (route, "nothing", "rank_math_title and rank_math_description"),
        (route + description, "description", "rank_math_title"),
        (title + description, "title and description", ""),
    ):
        plugin.write_text(f"<?php add_action('rest_api_init', function () {{ {own} }});", "utf-8")
        (told,) = [one for one in await checked() if "Rank Math" in one.what]
        assert told.what.endswith(f": {says}")
        assert told.mend.startswith(f"register {missing} with") if missing else not told.mend

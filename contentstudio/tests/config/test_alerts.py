"""The sections [alerts] and [morning]: secrets are in the environment, and a mistake is one
sentence.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from contentstudio import alerts, daily_report
from contentstudio import config as settings
from contentstudio.store.nights import LISTS
from overnight.alerts import Heartbeat
from overnight.errors import ConfigError, Permanent
from overnight.logs import redact

SITE = """
[[site]]
name = "garden"
url = "https://garden.example/"
sources = ["https://a.example/feed.xml"]
"""
ALL = """
[alerts]
channels = ["slack", "webhook", "mail", "apprise"]
quiet = ["23:00", "06:00"]
urgency = { late_job = "now" }
link = "https://console.example"
mail = { host = "smtp.example", sender = "a@example.com", to = ["b@example.com"], user = "u" }

[morning]
at = "06:45"
timezone = "Europe/Belgrade"
"""


def load(tmp_path: Path, text: str) -> settings.Config:
    file = tmp_path / "contentstudio.toml"
    file.write_text(text + SITE, "utf-8")
    return settings.load(file)


def test_by_default_no_channel_exists_and_reports_come_at_7_30(tmp_path: Path) -> None:
    made = alerts.build(load(tmp_path, ""))
    assert (list(made.channels), made.morning, made.quiet) == ([], "07:30", ("22:00", "07:00"))


def test_channels_get_addresses_from_the_environment_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "webhook"
    file.write_text("https://hook.example/verysecret\n")
    file.chmod(0o600)
    monkeypatch.setenv("CONTENTSTUDIO_SLACK_URL", "https://hooks.slack.example/services/verysecret")
    monkeypatch.setenv("CONTENTSTUDIO_WEBHOOK_URL_FILE", str(file))
    monkeypatch.setenv("CONTENTSTUDIO_APPRISE_URLS", "tgram://verysecret/1 json://localhost")
    monkeypatch.setenv("CONTENTSTUDIO_MAIL_PASSWORD", "verysecretword")
    made = alerts.build(load(tmp_path, ALL))
    slack, webhook, mail, apprise = made.channels
    assert [channel.name for channel in made.channels] == ["slack", "webhook", "mail", "apprise"]
    assert (slack.url, webhook.url) == (
        "https://hooks.slack.example/services/verysecret",
        "https://hook.example/verysecret",
    )
    assert (mail.password, list(apprise.urls)) == (
        "verysecretword",
        ["tgram://verysecret/1", "json://localhost"],
    )
    assert (made.quiet, made.morning, made.timezone) == (
        ("23:00", "06:00"),
        "06:45",
        "Europe/Belgrade",
    )
    assert (made.urgency_of("late_job"), made.link) == ("now", "https://console.example")
    alerts.check(made)


@pytest.mark.parametrize(
    ("urgency", "kind", "subject", "is_told"),
    [
        ("", "dead_letter", "source/read", "morning"),
        ("", "dead_letter", "demand/gather", "morning"),
        ("", "errors", "source/read", "morning"),
        ("", "dead_letter", "article/publish", "now"),
        ("", "dead_letter", "research/plan", "now"),
        ("", "missed_slot", "night 0 4 * * * UTC", "now"),
        ("late_job = 'now'", "dead_letter", "source/read", "morning"),
        ("'dead_letter:source' = 'now'", "dead_letter", "source/read", "now"),
        ("'dead_letter:source' = 'now'", "dead_letter", "demand/gather", "morning"),
        ("'dead_letter:article/ping' = 'morning'", "dead_letter", "article/ping", "morning"),
        ("'dead_letter:article/ping' = 'morning'", "dead_letter", "article/publish", "now"),
    ],
)
def test_a_dead_source_waits_for_the_morning_unless_set_to_wake(
    tmp_path: Path, urgency: str, kind: str, subject: str, is_told: str
) -> None:
    made = alerts.build(load(tmp_path, f"[alerts]\nurgency = {{ {urgency} }}\n"))
    assert made.urgency_of(kind, subject) == is_told


def test_the_heartbeat_url_is_configured_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert alerts.build(load(tmp_path, "")).heartbeat is None
    monkeypatch.setenv("CONTENTSTUDIO_HEARTBEAT_URL", "https://hc-ping.com/verysecret-1")
    config = load(tmp_path, "[alerts]\nheartbeat_seconds = 120\n")
    assert alerts.build(config).heartbeat == Heartbeat("https://hc-ping.com/verysecret-1", 120)
    config = load(
        tmp_path, "[alerts]\nheartbeat = 'https://kuma.example/api/push/verysecret2?status=up'\n"
    )
    made = alerts.build(config)
    assert made.heartbeat == Heartbeat("https://kuma.example/api/push/verysecret2?status=up", 300)
    assert "verysecret" not in repr(config) + repr(made) + config.model_dump_json()
    assert redact("asked for verysecret2") == "asked for •••"


@pytest.mark.parametrize(
    "url", ["hc-ping.com/verysecret", "ftp://x.example/verysecret", "https:// verysecret", ""]
)
def test_a_heartbeat_that_is_no_url_is_one_sentence_without_it(tmp_path: Path, url: str) -> None:
    config = load(tmp_path, f"[alerts]\nheartbeat = '{url}'\n")
    with pytest.raises(ConfigError, match="the URL of the heartbeat must be whole") as raised:
        alerts.build(config)
    assert "verysecret" not in str(raised.value)


def test_a_channel_without_an_address_stops_only_alert_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONTENTSTUDIO_SLACK_URL", raising=False)
    made = alerts.build(load(tmp_path, "[alerts]\nchannels = ['slack']\n"))
    with pytest.raises(ConfigError, match="put its address into CONTENTSTUDIO_SLACK_URL"):
        alerts.check(made)
    with pytest.raises(Permanent, match="put its address into CONTENTSTUDIO_SLACK_URL"):
        made.channels[0].send(None, "")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[alerts]\nchannels = ['pager']\n", r"“alerts.channels\[1\]”"),
        ("[alerts]\nchannels = ['mail']\n", r"needs a table \[alerts.mail\]"),
        ("[alerts]\nheartbeat_seconds = 5\n", "“alerts.heartbeat_seconds”"),
        ("[alerts]\nslack_url = 'x'\n", "unknown key “alerts.slack_url”; known here: channels"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load(tmp_path, text)


def test_the_report_is_the_text_that_the_command_shows(capsys: pytest.CaptureFixture[str]) -> None:
    lists: dict[str, list[dict[str, str]]] = {name: [] for name in LISTS}
    night = {
        **lists,
        "since": datetime(2030, 1, 1, tzinfo=UTC),
        "cost_usd": 0.0,
        "llm_calls": 0,
        "seconds": 1.0,
    }
    night |= {"retries": 3, "runs": {}, "all_failed": True}
    lines = daily_report.lines(night, "contentstudio")
    assert daily_report.text(night, "contentstudio") == click.unstyle("\n".join(lines)) + "\n"
    assert "\x1b[" in lines[0]  # colours are the terminal's alone
    assert "retries  3" in lines[-1]
    assert capsys.readouterr().out == ""

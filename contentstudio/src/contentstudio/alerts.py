"""Where alerts and the daily report go: the sections [alerts] and [morning] of the config, and
the environment.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from contentstudio import daily_report
from contentstudio.config import Config, program
from contentstudio.store.nights import Nights
from overnight.errors import ConfigError, Permanent
from overnight.secrets import secret

if TYPE_CHECKING:
    from overnight.alerts import Alerts, Channel, Heartbeat, Message, Urgency
    from overnight.store.database import Database

ADDRESSES = {
    "slack": "CONTENTSTUDIO_SLACK_URL",
    "webhook": "CONTENTSTUDIO_WEBHOOK_URL",
    "apprise": "CONTENTSTUDIO_APPRISE_URLS",
}

# A source that is gone or down waits for the morning, which reports it: nobody can do anything
# about it at night.
URGENCY: dict[str, Urgency] = {
    f"{kind}:{pipeline}": "morning"
    for kind in ("dead_letter", "errors")
    for pipeline in ("source", "demand")
}


@dataclass(frozen=True, slots=True)
class Unaddressed:
    """A channel whose address this environment does not have. Commands that tell nobody anything do
    without it.
    """

    kind: str
    why: str

    @property
    def name(self) -> str:
        return self.kind

    def send(self, message: Message, message_id: str) -> None:
        raise Permanent(self.why)


def check(alerts: Alerts) -> None:
    """Raises `ConfigError` for a channel without an address: whoever is to tell of alerts must have
    all of them.
    """
    for channel in alerts.channels:
        if isinstance(channel, Unaddressed):
            raise ConfigError(channel.why)


def build(config: Config) -> Alerts:
    """The alerts of a config."""
    from overnight.alerts import Alerts

    command = program(config.file)

    async def report(database: Database, since: datetime) -> str:
        return daily_report.text(await Nights(database).since(since), command)

    return Alerts(
        [_channel(config, kind) for kind in dict.fromkeys(config.alerts.channels)],
        quiet=config.alerts.quiet,
        morning=config.morning.at,
        timezone=config.morning.timezone,
        urgency=URGENCY | config.alerts.urgency,
        report=report,
        link=config.alerts.link,
        command=command,
        heartbeat=_heartbeat(config),
    )


def _heartbeat(config: Config) -> Heartbeat | None:
    from overnight.alerts import Heartbeat

    in_config = config.alerts.heartbeat
    in_environment = secret("CONTENTSTUDIO_HEARTBEAT_URL", "the URL of the heartbeat")
    url = in_environment if in_config is None else in_config.get_secret_value()
    return None if url is None else Heartbeat(url, config.alerts.heartbeat_seconds)


def _channel(config: Config, kind: str) -> Channel:
    from overnight.alerts import Apprise, Mail, Slack, Webhook
    from overnight.alerts.slack import SIGNING_VARIABLE

    if kind == "mail":
        mail = config.alerts.mail
        assert mail is not None  # the config is not valid without it
        password = secret("CONTENTSTUDIO_MAIL_PASSWORD", "the password of the mail")
        return Mail(mail.host, mail.sender, mail.to, mail.user, password, mail.security, mail.port)
    variable = ADDRESSES[kind]
    address = secret(variable, f"the address of {kind}")
    if address is None:
        return Unaddressed(
            kind,
            f"alerts go to {kind}: put its address into {variable}, or a file's name "
            f"into {variable}_FILE",
        )
    if kind == "slack":
        signing_secret = secret(SIGNING_VARIABLE, "the signing secret of the Slack app")
        return Slack(address, buttons=signing_secret is not None)
    if kind == "apprise":
        return Apprise(address.split())
    return Webhook(address, secret("CONTENTSTUDIO_WEBHOOK_SECRET", "the secret of the webhook"))

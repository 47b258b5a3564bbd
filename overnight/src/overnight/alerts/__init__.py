"""Alerts reach people: rules decide what is told when, channels send it, the ledger keeps what was
told to whom.

Importing this package is cheap, and what a channel needs is loaded when it is first used.
"""

from overnight.alerts.apprise import Apprise
from overnight.alerts.channel import Channel
from overnight.alerts.extension import Alerts
from overnight.alerts.heartbeat import Heartbeat
from overnight.alerts.mail import Mail
from overnight.alerts.message import Button, Item, Message
from overnight.alerts.rules import Urgency
from overnight.alerts.slack import Slack
from overnight.alerts.webhook import Webhook

__all__ = [
    "Alerts",
    "Apprise",
    "Button",
    "Channel",
    "Heartbeat",
    "Item",
    "Mail",
    "Message",
    "Slack",
    "Urgency",
    "Webhook",
]

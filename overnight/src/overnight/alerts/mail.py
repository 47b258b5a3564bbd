"""Email, by any SMTP server: plain text with an HTML part beside it."""

from __future__ import annotations

import html
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Literal

from overnight import logs
from overnight.alerts.channel import TIMEOUT
from overnight.alerts.message import Item, Message, lines
from overnight.errors import ConfigError, Permanent, Transient

Security = Literal["starttls", "tls", "none"]
PORTS = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True, slots=True)
class Mail:
    """Sends from one address to some. A server that offers no encryption is refused, unless
    `security` is `none`.

    A message that is sent twice has the same Message-ID, by which mail programs show it once.
    """

    host: str
    sender: str
    to: Sequence[str]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    security: Security = "starttls"
    port: int | None = None
    name: str = "mail"
    kind: str = field(default="mail", init=False)

    def __post_init__(self) -> None:
        logs.hide(self.password)
        if self.security not in PORTS:
            raise ConfigError(
                f"“{self.security}” is no way to secure mail: write {', '.join(PORTS)}"
            )
        if not self.host or not self.to:
            raise ConfigError(f"the channel {self.name} needs a host, and an address to write to")
        if self.password and self.security == "none":
            raise ConfigError(
                f"the channel {self.name} would send its password in the clear: use starttls or tls"
            )
        for address in (self.sender, *self.to):
            _address(address)

    def send(self, message: Message, message_id: str) -> None:
        try:
            with self._connected() as server:
                if self.security == "starttls":
                    server.starttls(context=ssl.create_default_context())
                if self.user:
                    server.login(self.user, self.password or "")
                server.send_message(written(message, self, message_id))
        except smtplib.SMTPNotSupportedError as error:
            raise Permanent(f"the server cannot do what is asked of it: {error}") from None
        except smtplib.SMTPRecipientsRefused as error:
            raise _refused(*next(iter(error.recipients.values()))) from None
        except smtplib.SMTPResponseException as error:
            raise _refused(error.smtp_code, error.smtp_error) from None
        except ssl.SSLCertVerificationError as error:
            raise Permanent(
                f"the certificate of the server is not trusted: {error.verify_message}"
            ) from None
        except (OSError, smtplib.SMTPException) as error:
            raise Transient(f"cannot be reached: {str(error) or type(error).__name__}") from None

    def _connected(self) -> smtplib.SMTP:
        port = PORTS[self.security] if self.port is None else self.port
        if self.security == "tls":
            return smtplib.SMTP_SSL(
                self.host, port, timeout=TIMEOUT, context=ssl.create_default_context()
            )
        return smtplib.SMTP(self.host, port, timeout=TIMEOUT)


def written(message: Message, mail: Mail, message_id: str) -> EmailMessage:
    """The email. What comes from outside is on one line in its headers, so that it can add none."""
    email = EmailMessage()
    email["Subject"] = " ".join(message.title.split())
    email["From"] = _address(mail.sender)
    email["To"] = [_address(address) for address in mail.to]
    email["Message-ID"] = f"<{message_id}@{_address(mail.sender).domain}>"
    email["List-Id"] = f"<alerts.{_address(mail.sender).domain}>"
    email["Auto-Submitted"] = "auto-generated"
    email.set_content("\n".join(lines(message)) + "\n")
    email.add_alternative("\n".join(_html(message)), subtype="html")
    return email


def _address(text: str) -> Address:
    """Raises `ConfigError` for what is no address of mail."""
    try:
        address = Address(addr_spec=text)
    except (ValueError, IndexError):
        address = Address()
    if not address.domain or not address.username:
        raise ConfigError(f"“{text}” is no address of mail: write it as name@example.com")
    return address


def _refused(code: int, reply: bytes | str) -> Transient | Permanent:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    why = f"it answered {code}, {' '.join(text.split())}"
    return (
        Transient(why)
        if 400 <= code < 500
        else Permanent(f"{why}; mend the channel, then: alerts send")
    )


def _html(message: Message) -> Iterator[str]:
    yield f"<h1 style='font-size: 1.2em'>{html.escape(message.title)}</h1>"
    if message.report:
        yield f"<pre style='white-space: pre-wrap'>{html.escape(message.report)}</pre>"
    for item in message.items:
        yield from _told(item)
    if message.footer:
        yield f"<p>{html.escape(message.footer)}</p>"
    if message.url:
        yield f"<p>{_link(message.url, 'open the console')}</p>"


def _told(item: Item) -> Iterator[str]:
    yield f"<p><b>{html.escape(item.heading)}</b>"
    if item.state != "resolved":
        yield f"<br>{html.escape(item.why)}"
        yield from (
            f"<br>{each}"
            for each in (
                html.escape(item.advice),
                item.cost,
                item.press and f"<code>{html.escape(item.press)}</code>",
            )
            if each
        )
    if item.url:
        yield f"<br>{_link(item.url, 'open the page')}"
    yield "</p>"


def _link(url: str, text: str) -> str:
    return f'<a href="{html.escape(url)}">{text}</a>'

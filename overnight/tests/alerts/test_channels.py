"""Each channel against a real server on loopback."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from overnight.alerts import Apprise, Item, Mail, Message, Slack, Webhook, channel
from overnight.errors import Permanent, Transient
from overnight.signing import sign

pytestmark = pytest.mark.contract

ITEM = Item(
    "dead_letter", "p/s", "new", "dead letter", "503", 1, "Tue 12:00", 0.25, "overnight dead"
)
MESSAGE = Message("app: dead letter: p/s", (ITEM,), press="overnight alerts")


def test_slack_takes_a_message_with_plain_text_beside_its_blocks(slack: Any) -> None:
    Slack(slack.url).send(MESSAGE, "app-1")
    (post,) = slack.posts
    assert post.headers["content-type"] == "application/json"
    assert post.json["text"].startswith("app: dead letter: p/s\n")
    assert post.json["blocks"][0]["type"] == "header"


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        ("429", Transient, "it answered 429, rate_limited"),
        ("500", Transient, "it answered 500, internal_error"),
        ("404", Permanent, "it answered 404, no_service; mend the channel"),
        ("redirect", Permanent, "it answered 302; mend the channel"),
        ("reset", Transient, "the connection broke off|cannot be reached"),
        ("hang", Transient, "no answer within|cannot be reached: timed out"),
    ],
)
def test_what_the_other_side_says_is_told_without_its_address(
    slack: Any, monkeypatch: pytest.MonkeyPatch, answer: str, error: type[Exception], says: str
) -> None:
    monkeypatch.setattr(channel, "TIMEOUT", 0.2)
    slack.answer = answer
    with pytest.raises(error, match=says) as raised:
        Slack(slack.url).send(MESSAGE, "app-1")
    assert "verysecret" not in str(raised.value)
    assert getattr(raised.value, "retry_after", None) == (120 if answer == "429" else None)


def test_a_server_that_is_not_there_is_tried_again() -> None:
    with pytest.raises(Transient, match="cannot be reached"):
        Slack("http://127.0.0.1:9/services/x").send(MESSAGE, "app-1")


def test_a_webhook_has_a_signature_and_an_id_to_count_it_once(slack: Any) -> None:
    secret = "a plain secret of good length"
    Webhook(slack.url, secret).send(MESSAGE, "app-7")
    (post,) = slack.posts
    assert post.headers["webhook-id"] == "app-7"
    right = sign(secret.encode(), "app-7", post.headers["webhook-timestamp"], post.body)
    assert post.headers["webhook-signature"] == right
    assert post.json["data"]["items"][0]["why"] == "503"


def offering(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def mail(server: Any, **options: Any) -> Mail:
    return Mail(
        "localhost", "a@example.com", ["b@example.com"], port=server.server_address[1], **options
    )


def test_mail_goes_encrypted_to_a_server_that_is_trusted(
    mail_server: Callable[..., Any], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = mail_server(offering(certificate))
    mail(server, user="u", password="verysecret").send(MESSAGE, "app-1")
    ((sender, to, body, encrypted),) = server.mails
    assert (sender, to, encrypted, len(server.logins)) == (
        "a@example.com",
        ["b@example.com"],
        True,
        1,
    )
    read = message_from_bytes(body)
    assert read["Message-ID"] == "<app-1@example.com>"
    assert [part.get_content_type() for part in read.get_payload()] == ["text/plain", "text/html"]


def test_mail_requires_encryption_and_a_trusted_certificate(
    mail_server: Callable[..., Any], certificate: Path
) -> None:
    strange, bare = mail_server(offering(certificate)), mail_server()
    with pytest.raises(Permanent, match="is not trusted"):
        mail(strange).send(MESSAGE, "app-1")
    with pytest.raises(Permanent, match="cannot do what is asked"):
        mail(bare).send(MESSAGE, "app-1")
    assert strange.mails == bare.mails == []


@pytest.mark.parametrize(
    ("answer", "error"), [("451 come again", Transient), ("554 spam", Permanent)]
)
def test_what_a_mail_server_refuses_for_now_is_tried_again(
    mail_server: Callable[..., Any], answer: str, error: type[Exception]
) -> None:
    server = mail_server()
    server.refuse = answer
    with pytest.raises(error, match=answer[4:]):
        mail(server, security="none").send(MESSAGE, "app-1")


@pytest.mark.parametrize("takes", [True, False])
def test_apprise_is_asked_for_the_truth_of_its_answer(
    monkeypatch: pytest.MonkeyPatch, takes: bool
) -> None:
    heard: list[dict[str, str]] = []

    class Answer:
        def __bool__(self) -> bool:
            return takes

    class Service:
        def add(self, url: str) -> bool:
            return url.startswith("known://")

        def notify(self, **told: str) -> Answer:
            heard.append(told)
            return Answer()

    module = ModuleType("apprise")
    module.Apprise = Service  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "apprise", module)
    if takes:
        Apprise(["known://key"]).send(MESSAGE, "app-1")
    else:
        with pytest.raises(Transient, match="not every service"):
            Apprise(["known://key"]).send(MESSAGE, "app-1")
    assert heard[0]["title"] == MESSAGE.title
    assert "dead letter: p/s" in heard[0]["body"]
    with pytest.raises(Permanent, match="none that Apprise knows"):
        Apprise(["strange://key"]).send(MESSAGE, "app-1")


def test_without_the_extra_apprise_says_how_to_bring_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(Permanent, match=r"pip install 'overnight\[alerts\]'"):
        Apprise(["known://key"]).send(MESSAGE, "app-1")

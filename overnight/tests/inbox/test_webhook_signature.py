"""Signatures of webhooks: the specification's own example, and everything that must not pass."""

from __future__ import annotations

import base64
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overnight.errors import ConfigError
from overnight.inbox.webhook import TOLERANCE, BadSignature, verify
from overnight.signing import new_secret, parse_secret, sign

# The example that the specification's reference libraries test themselves with.
SECRET = parse_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
ID, TIMESTAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
NOW = float(TIMESTAMP)


def headers(**changes: str) -> dict[str, str]:
    given = {"id": ID, "timestamp": TIMESTAMP, "signature": SIGNATURE, **changes}
    return {f"webhook-{name}": value for name, value in given.items()}


def test_the_specifications_example_is_signed_and_verified() -> None:
    assert sign(SECRET, ID, TIMESTAMP, BODY) == SIGNATURE
    assert verify(SECRET, headers(), BODY, NOW) == ID


@pytest.mark.parametrize(
    "changes", [{"id": "msg_other"}, {"timestamp": "1614265331"}, {"signature": "v1,AAAA"}]
)
def test_a_changed_id_timestamp_or_signature_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(BadSignature, match="does not fit"):
        verify(SECRET, headers(**changes), BODY, NOW)


def test_another_body_or_another_secret_is_refused() -> None:
    with pytest.raises(BadSignature):
        verify(SECRET, headers(), BODY + b" ", NOW)
    with pytest.raises(BadSignature):
        verify(b"another secret of good length", headers(), BODY, NOW)


def test_one_right_signature_among_several_is_enough() -> None:
    several = f"v1a,for+another+scheme v1,AAAA {SIGNATURE}"
    assert verify(SECRET, headers(signature=several), BODY, NOW) == ID


@pytest.mark.parametrize(
    "signature", ["", " ", "v1,", SIGNATURE.removeprefix("v1,"), "v2" + SIGNATURE[2:], "v1,é"]
)
def test_what_is_no_signature_of_ours_is_refused(signature: str) -> None:
    with pytest.raises(BadSignature):
        verify(SECRET, headers(signature=signature), BODY, NOW)


@pytest.mark.parametrize("name", ["id", "timestamp", "signature"])
def test_a_missing_header_is_named(name: str) -> None:
    given = headers()
    del given[f"webhook-{name}"]
    with pytest.raises(BadSignature, match=f"webhook-{name}"):
        verify(SECRET, given, BODY, NOW)


@pytest.mark.parametrize("side", [-1, 1])
def test_five_minutes_off_pass_and_more_does_not_both_ways(side: int) -> None:
    assert verify(SECRET, headers(), BODY, NOW + side * TOLERANCE) == ID
    with pytest.raises(BadSignature, match="300 seconds away"):
        verify(SECRET, headers(), BODY, NOW + side * (TOLERANCE + 1))


@pytest.mark.parametrize(
    "timestamp",
    ["", "now", "-1614265330", "1614265330.0", " 1614265330", "9" * 400, "1_614_265_330"],
)
def test_what_is_no_moment_is_refused_though_it_is_signed(timestamp: str) -> None:
    signed = headers(timestamp=timestamp, signature=sign(SECRET, ID, timestamp, BODY))
    with pytest.raises(BadSignature):
        verify(SECRET, signed, BODY, NOW)


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    monkeypatch.setattr(
        hmac,
        "compare_digest",
        lambda right, given: compared.append((right, given)) or right == given,
    )
    verify(SECRET, headers(), BODY, NOW)
    assert compared == [(SIGNATURE.encode(), SIGNATURE.encode())]


@given(st.binary(), st.text(min_size=1), st.integers(0, 10**11))
def test_whatever_is_signed_is_verified(body: bytes, message_id: str, moment: int) -> None:
    signature = sign(SECRET, message_id, str(moment), body)
    signed = headers(id=message_id, timestamp=str(moment), signature=signature)
    assert verify(SECRET, signed, body, float(moment)) == message_id


@given(st.dictionaries(st.sampled_from(list(headers())), st.text()), st.binary())
def test_whatever_else_comes_is_refused_and_nothing_breaks(
    given: dict[str, str], body: bytes
) -> None:
    with pytest.raises(BadSignature):
        verify(SECRET, given, body, NOW)


def test_a_secret_is_base64_with_a_prefix_or_plain_text() -> None:
    assert parse_secret("whsec_" + base64.b64encode(b"x" * 24).decode()) == b"x" * 24
    assert parse_secret("a plain secret of good length") == b"a plain secret of good length"


def test_a_new_secret_can_be_used_and_is_never_the_same() -> None:
    assert len(parse_secret(new_secret())) == 32
    assert new_secret() != new_secret()


@pytest.mark.parametrize(
    "text", ["", "short", "whsec_", "whsec_" + base64.b64encode(b"x" * 23).decode()]
)
def test_a_short_secret_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="at least 24"):
        parse_secret(text)


def test_a_mangled_secret_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigError, match="not base64") as caught:
        parse_secret("whsec_" + "abc*" * 16)
    assert "abc" not in str(caught.value)

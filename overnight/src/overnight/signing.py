"""Signatures after the public “Standard Webhooks” specification, of what comes in and of what goes
out.

A message carries `webhook-id` (its idempotency key), `webhook-timestamp` (seconds since 1970) and
`webhook-signature`: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets

from overnight.errors import ConfigError

SHORTEST, NEW = (
    24,
    32,
)  # bytes of a secret: the least that the specification allows, and what we make
PREFIX = "whsec_"


def new_secret() -> str:
    """A fresh secret as the specification writes it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(NEW)).decode()


def parse_secret(text: str) -> bytes:
    """The key in a secret: `whsec_` and base64, or plain text. Raises `ConfigError`."""
    try:
        key = (
            base64.b64decode(text.removeprefix(PREFIX), validate=True)
            if text.startswith(PREFIX)
            else text.encode()
        )
    except binascii.Error:
        raise ConfigError(
            f"the webhook secret begins with {PREFIX}, but the rest of it is not base64"
        ) from None
    if len(key) < SHORTEST:
        raise ConfigError(f"the webhook secret has {len(key)} bytes; it needs at least {SHORTEST}")
    return key


def sign(secret: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """The signature of one message: `v1,…`."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()

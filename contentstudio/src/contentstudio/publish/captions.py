"""What stands below a picture and above a callout, in every place to which articles go. Pure."""

from __future__ import annotations

from contentstudio.model import Image, Tone
from contentstudio.publish.anchors import Piece
from contentstudio.publish.labels import labels

BETWEEN = " · "


def credit(image: Image) -> list[Piece]:
    """Who made a picture, and its licence, which leads to its words where they have an address."""
    licence = Piece(image.licence or image.licence_url or "", image.licence_url)
    parts = [part for part in (Piece(image.credit), licence) if part.text]
    return [piece for part in parts for piece in (Piece(BETWEEN), part)][1:]


def headline(tone: Tone, title: str, language: str) -> str:
    """What stands above a callout. Its tone is said in words: not everybody sees colours."""
    return BETWEEN.join(filter(None, (labels(language)[tone], title)))

"""The dossier as one page that needs nothing else: no script, no network but for the pictures of
the article.
"""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from contentstudio.review.dossier import WORDS, Dossier


def page(dossier: Dossier, press: str = "") -> str:
    """The whole HTML page; `press` are the commands that decide."""
    return _environment.get_template("dossier.html").render(
        dossier=dossier, words=WORDS, press=press
    )


_environment = Environment(
    loader=PackageLoader("contentstudio.review"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

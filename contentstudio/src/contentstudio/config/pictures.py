"""Where the pictures of articles come from."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from contentstudio.config.fields import HttpUrl, Section


class Pictures(Section):
    """The picture of each article.

    `card` is drawn from its title, `folder` is one of the owner's own, in a folder beside the
    config, `openai` is made by a model at any endpoint of that shape; with `none` articles have no
    picture. Where a folder or a model gives none, the article has its card.

    `base_url` ends before /images/generations; the key is OPENAI_API_KEY, and a server of one's own
    may need none. `size` is sent as it is, in pixels. `usd_per_picture` is the price of one, which
    no price list tells. `style` is said to the model, `credit` is shown to readers below its
    pictures. `deadline_seconds` is for one call.
    """

    kind: Literal["card", "folder", "openai", "none"] = "card"
    folder: Path | None = None
    model: str | None = Field(default=None, min_length=1)
    base_url: HttpUrl = "https://api.openai.com/v1"
    size: str = Field(default="1536x1024", pattern=r"^\d{2,4}x\d{2,4}$|^auto$")
    usd_per_picture: float | None = Field(default=None, ge=0, le=100)
    style: str = Field(default="A calm, realistic photograph.", max_length=400)
    credit: str = ""
    deadline_seconds: float = Field(default=180, gt=0, le=900)

    @model_validator(mode="after")
    def _names_its_source(self) -> Pictures:
        needed = {"folder": "folder", "openai": "model"}.get(self.kind)
        if needed and getattr(self, needed) is None:
            raise ValueError(f'needs a {needed} beside kind = "{self.kind}"')
        if self.folder is not None and self.kind != "folder":
            raise ValueError('names a folder, which is for kind = "folder"')
        if self.model is not None and self.kind != "openai":
            raise ValueError('names a model, which is for kind = "openai"')
        return self

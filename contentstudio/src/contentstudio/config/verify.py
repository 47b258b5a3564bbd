"""Who verifies what a model wrote."""

from __future__ import annotations

from typing import Literal

from contentstudio.config.fields import Section
from contentstudio.config.writing import Model


class Verify(Section):
    """Who verifies what a model wrote, before it is published: a `model` judges each sentence by
    its sources. Without one named it is that of [writing]; another one finds more.

    `judge` = "off" asks nobody; then each article that a model wrote waits for a person.
    """

    model: Model = Model()
    judge: Literal["model", "off"] = "model"

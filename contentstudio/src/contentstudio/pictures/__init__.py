"""Pictures of articles: one port, and an adapter a file.

`cards` draws typographic cards, `folder` chooses among the owner's own pictures, `images_api` asks
a model for one. Each gives a `Picture`, as small as a page needs it and without the data that
cameras and programs write into files.
"""

from __future__ import annotations

from contentstudio.pictures.port import NoPicture, Picture, Pictures, Use

__all__ = ["NoPicture", "Picture", "Pictures", "Use"]

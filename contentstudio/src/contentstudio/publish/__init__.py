"""Publishing: one port, and an adapter a file."""

from contentstudio.publish.port import Existing, Publisher, content_sha256
from contentstudio.publish.static import StaticSite

__all__ = ["Existing", "Publisher", "StaticSite", "content_sha256"]

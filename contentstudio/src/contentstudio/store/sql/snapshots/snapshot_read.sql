select url, title, text, sha256, language, published_at, author from snapshots where sha256 = any(%(sha256)s::text[])

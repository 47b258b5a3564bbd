select url, title, text, sha256, language, published_at from snapshots where sha256 = any(%(sha256)s::text[])

select sha256, data from pictures where sha256 = any(%(sha256)s::text[])

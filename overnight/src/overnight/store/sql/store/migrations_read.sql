select package, number, name, checksum from migrations where package = any(%(packages)s::text[])

-- A vector is an upsert by the hash of its text.
insert into embeddings (sha256, provider, dimension, vector)
values (%(sha256)s, %(provider)s, cardinality(%(vector)s::real[]), %(vector)s::real[]::embedding)
on conflict (sha256, provider) do update set dimension = excluded.dimension, vector = excluded.vector

-- The ids of a provider's batches that belong to the rows of this table, since a moment.
select batch from llm_batches where provider = %(provider)s and batch is not null and created_at >= %(since)s::timestamptz

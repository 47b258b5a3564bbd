-- Which of these were read within the last hour: their pages were alive then.
select url from snapshots where sha256 = any(%(sha256)s::text[]) and read_at > ledger_now() - interval '1 hour'

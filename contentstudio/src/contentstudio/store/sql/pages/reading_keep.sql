-- Keeps what came of reading a page just now.
insert into readings (url, snapshot, fault, job_id)
values (%(url)s, %(snapshot)s, %(fault)s, %(job_id)s)
on conflict (url) do update
set snapshot = excluded.snapshot, fault = excluded.fault, job_id = excluded.job_id, read_at = ledger_now()

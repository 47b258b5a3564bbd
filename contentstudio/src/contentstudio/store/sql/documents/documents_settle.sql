-- What became of articles by other ways: one that was cancelled when it had been written is rejected, with that
-- reason; one that could not be written is forgotten, so that a better source may bring it again.
with ended as (
    select d.site, d.slug, r.step, r.error
    from documents d
    join runs r on r.job_id = d.job_id and r.status = 'cancelled'
    where d.site = %(site)s and d.kind in ('chosen', 'queued')
),
forgotten as (
    delete from documents d using ended e
    where d.site = e.site and d.slug = e.slug and e.step in ('research', 'brief', 'generate')
)
update documents d set kind = 'rejected', reason = coalesce(e.error, 'cancelled'), updated_at = ledger_now()
from ended e
where d.site = e.site and d.slug = e.slug and e.step not in ('research', 'brief', 'generate')

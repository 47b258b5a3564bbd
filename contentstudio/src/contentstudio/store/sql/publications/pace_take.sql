-- A site's turn to publish, so many seconds after the last one, or for how many it has to wait. A job has one turn,
-- however often it tries. No row at all: another one was the first to ask, at the same moment, so what this statement
-- sees of the last turn is what was before it.
with taken as (
    insert into paces (site, job_id, at)
    values (%(site)s, %(job_id)s, ledger_now())
    on conflict (site) do update
        set job_id = excluded.job_id,
            at = case when paces.job_id = excluded.job_id then paces.at else excluded.at end
        where paces.job_id = excluded.job_id or paces.at <= ledger_now() - make_interval(secs => %(apart)s)
    returning site
)
select 0::float8 as wait from taken
union all
select extract(epoch from at + make_interval(secs => %(apart)s) - ledger_now())::float8 from paces
where site = %(site)s and at + make_interval(secs => %(apart)s) > ledger_now() and not exists (select from taken)

-- It arrived. The version is kept once; one that is published again becomes the latest, and withdraws those after it.
with version as (
    insert into versions (site, slug, sha256, draft, job_id)
    values (%(site)s, %(slug)s, %(sha256)s, %(draft)s::jsonb, %(job_id)s)
    on conflict (site, slug, sha256) do update set job_id = excluded.job_id, at = ledger_now(), withdrawn = false
    returning first_at
),
later as (
    update versions v set withdrawn = true
    from version
    where v.site = %(site)s and v.slug = %(slug)s and v.first_at > version.first_at
)
update publications set existing = %(existing)s::jsonb, begun = '{}', job_id = %(job_id)s, at = ledger_now()
where site = %(site)s and slug = %(slug)s

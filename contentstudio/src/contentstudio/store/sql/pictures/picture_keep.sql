-- Keeps a picture once, and that an article got it.
with kept as (
    insert into pictures (sha256, media_type, data, width, height)
    values (%(sha256)s, %(media_type)s, %(data)s, %(width)s, %(height)s)
    on conflict (sha256) do update set kept_at = ledger_now()
    returning sha256
)
insert into article_pictures (site, slug, picture, origin, image, job_id)
select %(site)s, %(slug)s, sha256, %(origin)s, %(image)s::jsonb, %(job_id)s from kept
on conflict (site, slug, picture)
do update set origin = excluded.origin, image = excluded.image, job_id = excluded.job_id, chosen_at = ledger_now()

-- Slugs at which a publishing began and has not arrived, unless its job is given up: what lies there is needed still.
select p.slug from publications p
where p.site = %(site)s and p.begun <> '{}'
  and exists (select from runs r where r.job_id = p.job_id and r.status in ('queued', 'running', 'needs_review', 'dead'))

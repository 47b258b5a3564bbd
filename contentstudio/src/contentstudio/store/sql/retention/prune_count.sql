-- How many of the studio's own rows are past their time, as prune.sql takes them; texts that only these lean on come later.
with past as (
    select ledger_now() - make_interval(secs => 86400 * %(days)s::float8) as moment
)
select (select count(*) from verdicts v
        where v.at < past.moment
          and not exists (select from runs r where r.job_id = v.job_id and r.status not in ('succeeded', 'cancelled')))
       + (select count(*) from evidence e
        where e.checked_at < past.moment
          and exists (select from runs r where r.job_id = e.job_id)
          and not exists (select from runs r
                      where r.job_id = e.job_id
                        and (r.status not in ('succeeded', 'cancelled') or r.step = 'publish' and r.status = 'succeeded')))
       + (select count(*) from judgements j
        where j.judged_at < past.moment
          and exists (select from runs r where r.job_id = j.job_id)
          and not exists (select from runs r
                      where r.job_id = j.job_id
                        and (r.status not in ('succeeded', 'cancelled') or r.step = 'publish' and r.status = 'succeeded')))
       + (select count(*) from page_snapshots p
        where p.since < past.moment
          and p.since < (select max(n.since) from page_snapshots n where n.url = p.url))
       + (select count(*) from candidates c
        where c.found_on < past.moment::date
          and c.chosen_by is not null
          and not exists (select from choices o where o.snapshots @> array[c.snapshot] and o.decision <> 'skip'))
       + (select count(*) from snapshots s
        where s.read_at < past.moment
          and not exists (select from page_snapshots p where p.snapshot = s.sha256)
          and not exists (select from candidates c where c.snapshot = s.sha256)
          and not exists (select from choices c where c.snapshots @> array[s.sha256] and c.decision <> 'skip')
          and not exists (select from topics t where t.snapshot = s.sha256)
          and not exists (select from evidence e where e.snapshot = s.sha256)
          and not exists (select from notes n where n.snapshot = s.sha256))
       + (select count(*) from notes n
        where n.created_at < past.moment
          and exists (select from runs r where r.job_id = n.job_id)
          and not exists (select from runs r
                      where r.job_id = n.job_id
                        and (r.status not in ('succeeded', 'cancelled') or r.step = 'publish' and r.status = 'succeeded')))
       + (select count(*) from readings r where r.read_at < past.moment)
       + (select count(*) from cadence d where d.day < past.moment::date)
       + (select count(*) from article_pictures u
        where u.chosen_at < past.moment
          and not exists (select from runs r where r.job_id = u.job_id and r.status not in ('succeeded', 'cancelled'))
          and not exists (select from versions v
                          where v.site = u.site and v.slug = u.slug
                            and v.draft->'images' @> jsonb_build_array(jsonb_build_object('src', u.image->>'src'))))
       + (select count(*) from pictures p
        where p.kept_at < past.moment
          and not exists (select from article_pictures u where u.picture = p.sha256)) as gone
from past

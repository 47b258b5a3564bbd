-- One batch of the studio's own rows that are past their time. What an article stands on that is published, or on its way,
-- stays: its texts, its evidence and its pictures. So does the latest text of each page, and what is yet to be judged. A text goes in the
-- batch after the last row that leaned on it.
with past as (
    select ledger_now() - make_interval(secs => 86400 * %(days)s::float8) as moment
),
said as (
    delete from verdicts vx
    where vx.ctid in (
        select v.ctid from verdicts v
        where v.at < (select moment from past)
          and not exists (select from runs r where r.job_id = v.job_id and r.status not in ('succeeded', 'cancelled'))
        order by v.at
        limit %(batch)s
        for update skip locked)
    returning 1
),
proved as (
    delete from evidence ex
    where ex.ctid in (
        select e.ctid from evidence e
        where e.checked_at < (select moment from past)
          and exists (select from runs r where r.job_id = e.job_id)
          and not exists (select from runs r
                          where r.job_id = e.job_id
                            and (r.status not in ('succeeded', 'cancelled') or r.step = 'publish' and r.status = 'succeeded'))
        order by e.checked_at
        limit %(batch)s
        for update skip locked)
    returning 1
),
ruled as (
    delete from judgements jx
    where jx.ctid in (
        select j.ctid from judgements j
        where j.judged_at < (select moment from past)
          and exists (select from runs r where r.job_id = j.job_id)
          and not exists (select from runs r
                          where r.job_id = j.job_id
                            and (r.status not in ('succeeded', 'cancelled') or r.step = 'publish' and r.status = 'succeeded'))
        order by j.judged_at
        limit %(batch)s
        for update skip locked)
    returning 1
),
noted as (
    delete from notes nx
    where nx.ctid in (
        select n.ctid from notes n
        where n.created_at < (select moment from past)
          and exists (select from runs r where r.job_id = n.job_id)
          and not exists (select from runs r
                          where r.job_id = n.job_id
                            and (r.status not in ('succeeded', 'cancelled') or r.step = 'publish' and r.status = 'succeeded'))
        order by n.created_at
        limit %(batch)s
        for update skip locked)
    returning 1
),
histories as (
    delete from page_snapshots px
    where px.ctid in (
        select p.ctid from page_snapshots p
        where p.since < (select moment from past)
          and p.since < (select max(n.since) from page_snapshots n where n.url = p.url)
        order by p.since
        limit %(batch)s
        for update skip locked)
    returning 1
),
judged as (
    delete from candidates cx
    where cx.ctid in (
        select c.ctid from candidates c
        where c.found_on < (select moment::date from past)
          and c.chosen_by is not null
          and not exists (select from choices o where o.snapshots @> array[c.snapshot] and o.decision <> 'skip')
        order by c.found_on
        limit %(batch)s
        for update skip locked)
    returning 1
),
texts as (
    delete from snapshots sx
    where sx.ctid in (
        select s.ctid from snapshots s
        where s.read_at < (select moment from past)
          and not exists (select from page_snapshots p where p.snapshot = s.sha256)
          and not exists (select from candidates c where c.snapshot = s.sha256)
          and not exists (select from choices c where c.snapshots @> array[s.sha256] and c.decision <> 'skip')
          and not exists (select from topics t where t.snapshot = s.sha256)
          and not exists (select from evidence e where e.snapshot = s.sha256)
          and not exists (select from notes n where n.snapshot = s.sha256)
        order by s.read_at
        limit %(batch)s
        for update skip locked)
    returning 1
),
readings_gone as (
    delete from readings rx
    where rx.ctid in (
        select r.ctid from readings r
        where r.read_at < (select moment from past)
        order by r.read_at
        limit %(batch)s
        for update skip locked)
    returning 1
),
days as (
    delete from cadence d where d.day < (select moment::date from past) returning 1
),
uses as (
    delete from article_pictures ux
    where ux.ctid in (
        select u.ctid from article_pictures u
        where u.chosen_at < (select moment from past)
          and not exists (select from runs r where r.job_id = u.job_id and r.status not in ('succeeded', 'cancelled'))
          and not exists (select from versions v
                          where v.site = u.site and v.slug = u.slug
                            and v.draft->'images' @> jsonb_build_array(jsonb_build_object('src', u.image->>'src')))
        order by u.chosen_at
        limit %(batch)s
        for update skip locked)
    returning 1
),
shown as (
    delete from pictures px
    where px.ctid in (
        select p.ctid from pictures p
        where p.kept_at < (select moment from past)
          and not exists (select from article_pictures u where u.picture = p.sha256)
        order by p.kept_at
        limit %(batch)s
        for update skip locked)
    returning 1
)
select (select count(*) from said) + (select count(*) from proved) + (select count(*) from ruled) + (select count(*) from histories) + (select count(*) from judged) + (select count(*) from texts) + (select count(*) from days) + (select count(*) from uses) + (select count(*) from shown) + (select count(*) from noted) + (select count(*) from readings_gone) as gone

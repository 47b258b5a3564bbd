-- Gives an idea that is to be written another due day, or none, and writes down who did it. What readers have stays where
-- it is. A text that put itself off, until the day before for one, is due: its step looks at the new day.
with before as (
    select i.site, i.slug, i.due from ideas i
    where i.site = %(site)s and i.slug = %(slug)s
),
moved as (
    update ideas i set due = %(due)s::date
    from before b
    where i.site = b.site and i.slug = b.slug and i.decision = 'create'
      and not exists (select from articles a
                      where a.site = i.site and a.slug = i.slug
                        and a.state in ('published', 'unpublished', 'refreshing', 'rejected'))
    returning i.site, i.slug, i.due, b.due as before
),
noted as (
    insert into actions (verb, target, reason, was, by)
    select 'move', site || '/' || slug, %(reason)s, jsonb_build_object('due', before, 'to', due), %(by)s
    from moved
),
woken as (
    update runs r set due_at = least(r.due_at, ledger_now())
    from moved m join articles a on a.site = m.site and a.slug = m.slug
    where r.job_id = a.job_id and r.pipeline = 'article' and r.step in ('confirm', 'publish')
      and r.status = 'queued' and r.outcome = 'snooze'
)
select due, before from moved

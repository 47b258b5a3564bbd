-- A person does not want an idea, which is written down. The memory keeps its story, so that none that is near it comes again.
with idea as (
    update ideas
    set decision = 'drop', reason = %(reason)s, decided_by = %(by)s, decided_at = ledger_now()
    where site = %(site)s and slug = %(slug)s
    returning site, slug, title, wish
),
noted as (
    insert into actions (verb, target, reason, by)
    select 'drop', site || '/' || slug, %(reason)s, %(by)s from idea
),
article as (
    update articles set state = 'rejected'
    where site = %(site)s and slug = %(slug)s and state in ('idea', 'researching', 'briefed')
),
story as (
    select s.text, c.sha256
    from choices o
    join snapshots s on s.sha256 = o.snapshots[1]
    join candidates c on c.site = o.site and c.snapshot = s.sha256
    where o.site = %(site)s and o.slug = %(slug)s
    order by o.chosen_at desc
    limit 1
)
insert into documents (site, slug, kind, title, text, sha256, reason)
select %(site)s, %(slug)s, 'rejected', i.title, coalesce(s.text, i.wish),
       coalesce(s.sha256, encode(sha256(convert_to(i.title || e'\n\n' || i.wish, 'UTF8')), 'hex')), %(reason)s
from idea i left join story s on true
on conflict (site, slug) do update
set kind = 'rejected', reason = excluded.reason, updated_at = ledger_now()
where documents.kind in ('chosen', 'queued', 'rejected')

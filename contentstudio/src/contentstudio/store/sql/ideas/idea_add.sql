-- Has an idea written that a person asks for: a new one, or one that there is. Its article begins as an idea, and the memory
-- has it at once, so that no night takes it up beside. What was found for it, when it was passed over, is found for it now. Who asks for it
-- is written down.
with idea as (
    insert into ideas (site, slug, title, origin, signals, urls, wish, due, factors, score, decision, reason, found_on, job,
                       created_by, decided_by)
    values (%(site)s, %(slug)s, %(title)s, 'wish', %(signals)s::jsonb, %(urls)s::text[], %(wish)s, %(due)s::date,
            %(factors)s::jsonb, %(score)s, 'create', %(reason)s, %(found_on)s, %(job_id)s, %(by)s, %(by)s)
    on conflict (site, slug) do update
    set urls = (select coalesce(array_agg(distinct u order by u), '{}') from unnest(ideas.urls || excluded.urls) as u),
        wish = coalesce(nullif(excluded.wish, ''), ideas.wish),
        due = coalesce(excluded.due, ideas.due),
        decision = 'create', reason = excluded.reason, found_on = excluded.found_on, job = excluded.job,
        decided_by = excluded.decided_by, decided_at = ledger_now()
    returning site, slug, decided_by, xmax = 0 as is_new
),
noted as (
    insert into actions (verb, target, reason, by)
    select case when is_new then 'add' else 'approve' end, site || '/' || slug, %(reason)s, decided_by from idea
),
passed_over as (
    insert into choices (site, slug, chosen_by, found_on, title, decision, reason, target, near, likeness, score, factors,
                         url, snapshots)
    select c.site, c.slug, 'person', %(found_on)s, c.title, 'create', %(reason)s, c.slug, c.near, c.likeness, c.score,
           c.factors, c.url, c.snapshots
    from choices c
    where c.site = %(site)s and c.slug = %(slug)s and c.target is null
    order by c.chosen_at desc
    limit 1
    on conflict do nothing
),
article as (
    insert into articles (site, slug, job_id, title, state)
    values (%(site)s, %(slug)s, %(job_id)s, %(title)s, 'idea')
    on conflict (site, slug) do update
    set state = 'idea', job_id = coalesce(excluded.job_id, articles.job_id)
    where articles.state in ('idea', 'rejected')
)
insert into documents (site, slug, kind, title, text, sha256, job_id)
values (%(site)s, %(slug)s, 'chosen', %(title)s, %(text)s, %(sha256)s, %(job_id)s)
on conflict (site, slug) do update
set kind = 'chosen', reason = null, job_id = coalesce(excluded.job_id, documents.job_id), updated_at = ledger_now()
where documents.kind in ('chosen', 'queued', 'rejected')

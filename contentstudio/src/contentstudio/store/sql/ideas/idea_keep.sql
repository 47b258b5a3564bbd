-- Keeps what a job decided: all of it or nothing. New ideas go into the memory at once, so that no other night takes
-- them up. Decided again, after a crash, it stays as it was; and so does what a person decided, and what is to be written.
with made as (
    select * from jsonb_to_recordset(%(choices)s::jsonb)
        as c (slug text, title text, decision text, reason text, target text, near text, likeness double precision,
              score double precision, factors jsonb, url text, snapshots text[], origin text, signals jsonb, job_id text)
),
kept as (
    insert into choices (site, slug, chosen_by, found_on, title, decision, reason, target, near, likeness, score, factors,
                         url, snapshots)
    select %(site)s, slug, %(chosen_by)s, %(found_on)s, title, decision, reason, target, near, likeness, score, factors,
           url, snapshots
    from made
    where url <> ''  -- an idea without a page found nothing
    on conflict do nothing
),
judged as (
    update candidates c set chosen_by = %(chosen_by)s
    from made m
    where c.site = %(site)s and c.snapshot = any(m.snapshots) and c.chosen_by is null
),
idea as (
    insert into ideas (site, slug, title, origin, signals, factors, score, decision, reason, found_on, job)
    select distinct on (slug) %(site)s, slug, title, origin, signals, factors, score, decision, reason, %(found_on)s::date,
           %(chosen_by)s::text
    from made
    where decision <> 'update'
    on conflict (site, slug) do update
    set signals = excluded.signals, factors = excluded.factors, score = excluded.score, decision = excluded.decision,
        reason = excluded.reason, found_on = excluded.found_on, job = excluded.job, decided_at = ledger_now()
    where ideas.decided_by is null and (ideas.decision = 'skip' or excluded.decision = 'create')
),
topic as (  -- for workers of the release before
    insert into topics (site, slug, title, url, snapshot, score, factors, found_on)
    select %(site)s, slug, title, url, snapshots[1], score, factors, %(found_on)s from made where decision = 'create'
    on conflict do nothing
)
insert into documents (site, slug, kind, title, text, sha256, job_id)
select %(site)s, m.slug, 'chosen', m.title, s.text, c.sha256, m.job_id
from made m
join snapshots s on s.sha256 = m.snapshots[1]
join candidates c on c.site = %(site)s and c.snapshot = s.sha256
where m.decision = 'create'
on conflict do nothing

-- What readers ask of a site, one row per slug for good: why it is believed, what it is worth, and what was decided on it.
-- Its article has the same (site, slug), and says in its state how far it is. `job` decided on it last; where a person did,
-- `decided_by` names them, and no night decides otherwise. What was found for an idea, night by night, is in `choices`.
--
-- `topics` stays for workers of the release before, who read it: what they find there is an idea too (idea_read.sql).
create table ideas (
    site       text not null,
    slug       text not null,
    title      text not null,
    origin     text not null default 'story' check (origin in ('query', 'suggestion', 'story', 'pillar', 'wish')),
    signals    jsonb not null default '[]',
    urls       text[] not null default '{}',
    wish       text not null default '',
    due        date,
    factors    jsonb not null default '{}',
    score      double precision not null default 0,
    decision   text not null check (decision in ('create', 'skip', 'drop')),
    reason     text not null default '',
    found_on   date not null,
    job        text,
    created_by text,
    decided_by text,
    created_at timestamptz not null default ledger_now(),
    decided_at timestamptz not null default ledger_now(),
    primary key (site, slug)
);

create index ideas_when on ideas (decided_at);
create index ideas_due on ideas (due) where decision = 'create' and due is not null;

insert into ideas (site, slug, title, signals, factors, score, decision, reason, found_on, job, created_at, decided_at)
select t.site, t.slug, t.title,
       coalesce((select jsonb_agg(jsonb_build_object('kind', 'story', 'text', coalesce(nullif(s.title, ''), s.url),
                                                     'url', s.url, 'weight', 1) order by s.url)
                 from snapshots s where s.sha256 = any(coalesce(c.snapshots, array[t.snapshot]))), '[]'),
       t.factors, t.score, 'create', coalesce(c.reason, ''), t.found_on, c.chosen_by,
       coalesce(c.chosen_at, t.found_on::timestamptz), coalesce(c.chosen_at, t.found_on::timestamptz)
from topics t
left join lateral (
    select c.reason, c.chosen_by, c.chosen_at, c.snapshots from choices c
    where c.site = t.site and c.target = t.slug and c.decision = 'create'
    order by c.chosen_at
    limit 1
) c on true;

-- The home of an article: one row from the idea to the last publication. Its versions, publication, listing, evidence and
-- topic have the same (site, slug); `job_id` is the job that works on it, or did last, and leads to its runs, verdicts and
-- the costs of its model calls. `url` is where readers have it, null where they do not. Whether a job failed is said by its
-- runs and not here.
create table articles (
    site       text not null,
    slug       text not null,
    job_id     text,
    title      text not null,
    language   text,
    url        text,
    state      text not null
               check (state in ('idea', 'researching', 'briefed', 'writing', 'refreshing', 'verifying', 'review', 'ready',
                                'published', 'unpublished', 'rejected')),
    created_at timestamptz not null default ledger_now(),
    changed_at timestamptz not null default ledger_now(),  -- when it came into its state
    primary key (site, slug)
);

create index articles_job on articles (job_id);

-- The whole life of an article as data: the trigger below refuses whatever is not listed here. `refreshing` is `writing`
-- for an article that was published before: given up, it is again what it was.
create table article_transitions (
    from_state text not null,
    to_state   text not null,
    verb       text not null,
    primary key (from_state, to_state)
);
insert into article_transitions (from_state, to_state, verb) values
    ('idea',        'researching', 'research'),
    ('idea',        'writing',     'write of what was found'),
    ('idea',        'rejected',    'reject'),
    ('researching', 'idea',        'wait for better sources'),
    ('researching', 'briefed',     'plan'),
    ('researching', 'writing',     'write of what was found'),
    ('researching', 'rejected',    'reject'),
    ('briefed',     'researching', 'research again'),
    ('briefed',     'writing',     'write'),
    ('briefed',     'rejected',    'reject'),
    ('writing',     'verifying',   'verify'),
    ('writing',     'idea',        'wait for better sources'),
    ('writing',     'rejected',    'reject'),
    ('refreshing',  'verifying',   'verify'),
    ('refreshing',  'published',   'keep the version that stands, or publish another one'),
    ('refreshing',  'unpublished', 'unpublish, or give up'),
    ('verifying',   'review',      'ask a person'),
    ('verifying',   'ready',       'pass'),
    ('verifying',   'writing',     'write again'),
    ('verifying',   'refreshing',  'write again'),
    ('verifying',   'published',   'keep the version that stands, or publish another one'),
    ('verifying',   'unpublished', 'unpublish, or give up'),
    ('verifying',   'rejected',    'reject'),
    ('review',      'verifying',   'verify what a person edited'),
    ('review',      'ready',       'approve'),
    ('review',      'writing',     'write again'),
    ('review',      'refreshing',  'write again'),
    ('review',      'published',   'keep the version that stands, or publish another one'),
    ('review',      'unpublished', 'unpublish, or give up'),
    ('review',      'rejected',    'reject'),
    ('ready',       'verifying',   'verify what a person edited'),
    ('ready',       'review',      'ask a person'),
    ('ready',       'writing',     'write again'),
    ('ready',       'refreshing',  'write again'),
    ('ready',       'published',   'publish'),
    ('ready',       'unpublished', 'unpublish, or give up'),
    ('ready',       'rejected',    'reject'),
    ('published',   'refreshing',  'refresh'),
    ('published',   'unpublished', 'unpublish'),
    ('unpublished', 'published',   'publish again'),
    ('unpublished', 'refreshing',  'refresh'),
    ('rejected',    'idea',        'take up again'),
    ('rejected',    'writing',     'write again');

create function articles_guard() returns trigger language plpgsql as $$
begin
    if not exists (select from article_transitions t where t.from_state = old.state and t.to_state = new.state) then
        raise exception 'article % of % cannot go from % to %', old.slug, old.site, old.state, new.state
            using errcode = 'OV002';
    end if;
    new.changed_at := ledger_now();
    return new;
end $$;

create trigger articles_guard before update of state on articles
    for each row when (old.state <> new.state)
    execute function articles_guard();

-- What there is already. A job that goes on says where its article is; else what was published, else the memory, else the
-- topic. Of runs only those are read that have not ended, and
-- those that unpublished: few, however big the ledger is.
with active as (
    select distinct on (key, slug) r.key as site, r.slug, r.job_id, r.step, r.status, r.title, r.language, r.created_at
    from (select id, key, job_id, step, status, created_at,
                 coalesce(input->'draft'->>'slug', input->>'slug', output->'draft'->>'slug') as slug,
                 coalesce(input->'draft'->>'title', input->>'title', output->'draft'->>'title') as title,
                 coalesce(input->'draft'->>'language', input->>'language', output->'draft'->>'language') as language
          from runs
          where (status = 'queued' or status = 'running' or status in ('needs_review', 'dead'))
            and pipeline = 'article' and step <> 'ping') r
    where r.slug is not null
    order by key, slug, id desc
),
latest as (
    select distinct on (site, slug) site, slug, job_id, draft->>'title' as title, draft->>'language' as language,
           min(first_at) over (partition by site, slug) as first_at
    from versions
    order by site, slug, at desc
),
taken_back as (  -- an article that was unpublished may stand on as a draft
    select key as site, input->>'slug' as slug, max(finished_at) as at
    from runs
    where pipeline = 'unpublish' and status = 'succeeded'
    group by 1, 2
),
stands as (
    select p.site, p.slug, p.job_id, p.at, p.existing->>'url' as url,
           p.existing is not null and coalesce(t.at < p.at, true) as here
    from publications p
    left join taken_back t using (site, slug)
),
slugs as (
    select site, slug from topics
    union select site, slug from documents where kind <> 'own'
    union select site, slug from latest
    union select site, slug from active
),
facts as (
    select s.site, s.slug,
           coalesce(a.job_id, p.job_id, l.job_id, d.job_id) as job_id,
           coalesce(a.title, l.title, d.title, t.title, s.slug) as title,
           coalesce(a.language, l.language) as language,
           case when l.slug is not null and p.here then p.url end as url,
           case when l.slug is null then null when p.here then 'published' else 'unpublished' end as published,
           case when a.status = 'needs_review' then 'review'
                when a.step in ('confirm', 'publish') then 'ready'
                when a.step in ('optimize', 'gate') then 'verifying'
                when a.step = 'generate' and l.slug is not null then 'refreshing'
                when a.step = 'generate' and (a.status <> 'queued') then 'writing' end as active,
           case d.kind when 'published' then 'published' when 'rejected' then 'rejected'
                       when 'queued' then 'rejected'  -- written, and its job was cancelled
                       else 'idea' end as remembered,
           d.url as remembered_url,
           least(t.found_on::timestamptz, l.first_at, a.created_at, d.updated_at, p.at) as created_at,
           coalesce(a.created_at, p.at, d.updated_at) as changed_at
    from slugs s
    left join active a using (site, slug)
    left join latest l using (site, slug)
    left join stands p using (site, slug)
    left join topics t using (site, slug)
    left join documents d on d.site = s.site and d.slug = s.slug and d.kind <> 'own'
)
insert into articles (site, slug, job_id, title, language, url, state, created_at, changed_at)
select site, slug, job_id, title, language,
       case when coalesce(active, published) is null and remembered = 'published' then remembered_url else url end,
       coalesce(active, published, remembered),
       coalesce(created_at, ledger_now()), coalesce(changed_at, created_at, ledger_now())
from facts;

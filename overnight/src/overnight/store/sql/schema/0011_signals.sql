-- concurrently: statement by statement, beside live workers. What follows may run again after it was cut off.

-- The golden signals are added up by spans of five minutes, an hour and a day (UTC), so that no chart reads all of `runs`.
-- What ended before `until` is in the tables below, once; what ended since is read from the ledger itself.
create table if not exists signals_mark (
    only_row boolean primary key default true check (only_row),
    until    timestamptz not null default '-infinity'
);
insert into signals_mark default values on conflict do nothing;

-- How attempts ended, by step. Each of the three counts is an object: how many, by name.
create table if not exists step_signals (
    span     integer not null,      -- seconds: 300, 3600 or 86400
    at       timestamptz not null,  -- its beginning
    pipeline text not null,
    step     text not null,
    outcomes jsonb not null,        -- by outcome, as in `endings`
    seconds  jsonb not null,        -- by the bin of the duration, of attempts that came to a result
    failures jsonb not null,        -- by the number of failed attempts before, of runs that succeeded; 10 stands for more
    primary key (span, at, pipeline, step)
);

-- Calls of models that ended. A call counts when it ends, for its cost is not known before.
create table if not exists call_signals (
    span          integer not null,
    at            timestamptz not null,
    pipeline      text not null,
    step          text not null,
    key           text not null,
    model         text not null,
    calls         bigint not null,  -- that were paid for, or failed
    failed        bigint not null,  -- of these
    cached        bigint not null,  -- answers that were there already
    input_tokens  bigint not null,
    output_tokens bigint not null,
    cost_usd      numeric(14, 6) not null,
    primary key (span, at, pipeline, step, key, model)
);

-- What waited at one moment of each five minutes; an hour and a day have the worst of their moments. Nothing in the ledger
-- tells that afterwards.
create table if not exists queue_signals (
    span               integer not null,
    at                 timestamptz not null,
    due                bigint not null,
    oldest_due_seconds double precision not null,
    running            bigint not null,
    workers            bigint not null,
    primary key (span, at)
);

create index concurrently if not exists attempts_finished on attempts (finished_at);
create index concurrently if not exists llm_calls_finished on llm_calls (finished_at) where finished_at is not null;

-- The list of runs, of a key or pipeline that is rare: a summary of each stretch of the table says whether it is there. It
-- is not written when a run changes, as an index with an entry for each row would be.
create index concurrently if not exists runs_names on runs
    using brin (key text_bloom_ops (n_distinct_per_range = 100), pipeline text_bloom_ops (n_distinct_per_range = 100));
create index concurrently if not exists effects_intended on effects (id) where status = 'intended';

-- Every end of an attempt, and of a run by a person's decision (`approved`, `cancel`), at the moment when it was written.
-- None of these rows changes any more: a run that succeeded or was cancelled stays so, and the history is only added to.
create or replace view endings as
    select r.finished_at as at, r.pipeline, r.step, r.started_at, r.failures,
           case when r.status = 'cancelled' then 'cancel'
                when (select a.outcome from attempts a where a.run_id = r.id and a.attempt = r.attempt) = 'review'
                then 'approved'
                else coalesce(r.outcome, 'done') end as outcome
    from (select id, pipeline, step, status, outcome, attempt, failures, started_at, finished_at
          from runs where status in ('succeeded', 'cancelled') and emptied_at is null
          union all -- each has its index
          select id, pipeline, step, status, outcome, attempt, failures, started_at, finished_at
          from runs where status in ('succeeded', 'cancelled') and emptied_at is not null) r
    union all
    select a.finished_at, r.pipeline, r.step, a.started_at, 0, a.outcome
    from attempts a join runs r on r.id = a.run_id
    where a.outcome not in ('cancel', 'late');

create or replace function span_of(moment timestamptz, span integer) returns timestamptz
    language sql immutable parallel safe
    return date_bin(make_interval(secs => span), moment, timestamptz '1970-01-01 00:00:00+00');

-- The bin n holds durations of up to 1.1^n ms: what is told of them is at most 5 % off. The last bin, 200, is open.
create or replace function duration_bin(seconds double precision) returns integer
    language sql immutable parallel safe
    return least(200, greatest(1, ceil(ln(greatest(seconds * 1000, 1)) / ln(1.1::double precision))))::integer;

create or replace function add_counts(counts jsonb, more jsonb) returns jsonb language sql immutable parallel safe as $$
    select coalesce(jsonb_object_agg(name, count), '{}')
    from (select name, sum(count::bigint) as count
          from (select * from jsonb_each_text(counts) union all select * from jsonb_each_text(more)) e (name, count)
          group by name) c
$$;

-- What ended from `since` until before `until`, from the ledger itself, in the shape of `step_signals`.
create or replace function count_endings(since timestamptz, until timestamptz, span integer)
    returns table (at timestamptz, pipeline text, step text, outcomes jsonb, seconds jsonb, failures jsonb)
    language sql stable parallel safe as $$
    select c.at, c.pipeline, c.step,
           coalesce(jsonb_object_agg(c.name, c.count) filter (where c.what = 'outcome'), '{}'),
           coalesce(jsonb_object_agg(c.name, c.count) filter (where c.what = 'seconds'), '{}'),
           coalesce(jsonb_object_agg(c.name, c.count) filter (where c.what = 'failures'), '{}')
    from (select span_of(e.at, span) as at, e.pipeline, e.step, n.what, n.name, count(*) as count
          from endings e
          cross join lateral (values
              ('outcome', e.outcome),
              ('seconds', case when e.outcome in ('done', 'no_work', 'review')
                               then duration_bin(extract(epoch from e.at - e.started_at)::float8)::text end),
              ('failures', case when e.outcome in ('done', 'no_work', 'approved')
                                then least(e.failures, 10)::text end)) n (what, name)
          where e.at >= since and e.at < until and n.name is not null
          group by 1, 2, 3, 4, 5) c
    group by 1, 2, 3
$$;

-- The calls of models that ended from `since` until before `until`, in the shape of `call_signals`.
create or replace function count_calls(since timestamptz, until timestamptz, span integer)
    returns table (at timestamptz, pipeline text, step text, key text, model text, calls bigint, failed bigint,
                   cached bigint, input_tokens bigint, output_tokens bigint, cost_usd numeric)
    language sql stable parallel safe as $$
    select span_of(c.finished_at, span), c.pipeline, c.step, c.key, c.model,
           count(*) filter (where c.status <> 'cached'), count(*) filter (where c.status = 'failed'),
           count(*) filter (where c.status = 'cached'), sum(c.input_tokens), sum(c.output_tokens), sum(c.cost_usd)
    from llm_calls c
    where c.finished_at >= since and c.finished_at < until
    group by 1, 2, 3, 4, 5
$$;
create index concurrently if not exists alerts_resolved on alerts (resolved_at) where resolved_at is not null;

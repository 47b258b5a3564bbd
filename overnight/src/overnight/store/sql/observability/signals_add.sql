-- Adds up what ended since the last time and is settled by now, in all spans at once: no statement that began before
-- `settle` seconds is under way any more, so nothing comes later. Whoever locks the mark does it, and nobody waits. A portion
-- is bounded by the number of its rows, or else by five minutes. What is kept no longer goes with the same statement.
-- Says in how many seconds there is more to add.
with mark as (
    select until from signals_mark for update skip locked
),
settled as (
    select span_of(ledger_now() - make_interval(secs => %(settle)s), 300) as until
),
-- Of each source the oldest that is not added up: the first moment of it, and the last where there may be more behind it.
sources as (
    select min(f.at) as first, case when count(*) = %(limit)s then max(f.at) end as last
    from mark
    cross join lateral (
        (select 1 as source, finished_at as at from runs
         where status in ('succeeded', 'cancelled') and emptied_at is null and finished_at >= mark.until
         order by finished_at limit %(limit)s)
        union all
        (select 2, finished_at from runs
         where emptied_at is not null and finished_at >= mark.until
         order by finished_at limit %(limit)s)
        union all
        (select 3, finished_at from attempts where finished_at >= mark.until order by finished_at limit %(limit)s)
        union all
        (select 4, finished_at from llm_calls where finished_at >= mark.until order by finished_at limit %(limit)s)) f
    group by f.source
),
portion as (
    select *
    from (select span_of(min(s.first), 300) as since,
                 least(max(settled.until),
                       min(case when s.last is not null
                                then greatest(span_of(s.last, 300), span_of(s.first, 300) + interval '5 minutes') end))
                 as until
          from sources s cross join settled) p
    where since < until
),
moved as (
    update signals_mark m set until = p.until from portion p
),
steps as (
    insert into step_signals as s (span, at, pipeline, step, outcomes, seconds, failures)
    select n.span, c.at, c.pipeline, c.step, c.outcomes, c.seconds, c.failures
    from portion p
    cross join unnest(%(spans)s::int[]) n (span)
    cross join lateral count_endings(p.since, p.until, n.span) c
    on conflict (span, at, pipeline, step) do update
        set outcomes = add_counts(s.outcomes, excluded.outcomes), seconds = add_counts(s.seconds, excluded.seconds),
            failures = add_counts(s.failures, excluded.failures)
),
calls as (
    insert into call_signals as s (span, at, pipeline, step, key, model, calls, failed, cached, input_tokens, output_tokens,
                                   cost_usd)
    select n.span, c.*
    from portion p
    cross join unnest(%(spans)s::int[]) n (span)
    cross join lateral count_calls(p.since, p.until, n.span) c
    on conflict (span, at, pipeline, step, key, model) do update
        set calls = s.calls + excluded.calls, failed = s.failed + excluded.failed, cached = s.cached + excluded.cached,
            input_tokens = s.input_tokens + excluded.input_tokens,
            output_tokens = s.output_tokens + excluded.output_tokens, cost_usd = s.cost_usd + excluded.cost_usd
),
retention as (
    select k.span, ledger_now() - make_interval(days => k.days) as since
    from portion, unnest(%(spans)s::int[], %(days)s::int[]) k (span, days)
),
old_steps as (
    delete from step_signals o using retention k where o.span = k.span and o.at < k.since
),
old_calls as (
    delete from call_signals o using retention k where o.span = k.span and o.at < k.since
),
old_queues as (
    delete from queue_signals o using retention k where o.span = k.span and o.at < k.since
)
select case when p.until < s.until then 0
            else extract(epoch from s.until + interval '5 minutes' - ledger_now())::float8 + %(settle)s end as again
from settled s left join portion p on true

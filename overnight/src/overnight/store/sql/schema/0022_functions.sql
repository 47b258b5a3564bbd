-- What several statements do, once each. All are new but `switched_off`, which keeps its signature and its answer, so workers
-- of the code before go on beside it.

-- The switches that hold this step of this key. Postgres puts the text of this function into the query that asks
-- `exists (select from switches_off(…))`, so that a question about many runs is one join.
create function switches_off(pipeline text, key text, step text) returns setof text
    language sql stable parallel safe
begin atomic
    select s.scope from switches s where not s.enabled and in_scope(s.scope, pipeline, key, step);
end;

-- The first of them, for whom one answer is enough. Null: nothing holds the step.
create or replace function switched_off(pipeline text, key text, step text) returns text
    language sql stable parallel safe
    return (select scope from switches_off(pipeline, key, step) as scope order by scope limit 1);

-- Inserts the runs that do not exist yet, one for each element of the arrays, and returns them as a claim would. An existing
-- one with the same inputs is left as it is; with other inputs the guard of `runs` refuses the whole statement (OV001); two of
-- them in one call are refused by Postgres itself. Sorted, so that two callers lock in the same order.
-- Times are seconds from now; a step that follows another has the moments of its job instead. A run with an owner is running
-- from the start, for `lease` seconds; the others are queued.
create function begin_runs(
    job_ids text[], steps text[], pipelines text[], keys text[], inputs jsonb[], input_hashes text[], priorities int[],
    delays double precision[], at_most double precision[], deadlines double precision[] default null,
    expectations double precision[] default null, origins text[] default null, debounces text[] default null,
    parents bigint[] default null, deadlines_at timestamptz[] default null, expected_at timestamptz[] default null,
    owners text[] default null, lease double precision default null)
    returns table (id bigint, job_id text, step text, pipeline text, key text, attempt int, failures int, input text,
                   time_left double precision)
    language plpgsql as $$
#variable_conflict use_column
begin
    return query
    insert into runs (job_id, step, pipeline, key, input, input_hash, priority, due_at, due_by, deadline_at, expect_at,
                      origin, debounce, parent, status, attempt, worker, started_at, leased_at, lease_until)
    select distinct on (n.job_id, n.step, n.input_hash)
           n.job_id, n.step, n.pipeline, n.key, n.input, n.input_hash, n.priority,
           ledger_now() + make_interval(secs => n.delay), ledger_now() + make_interval(secs => n.at_most),
           coalesce(n.deadline_at, ledger_now() + make_interval(secs => n.deadline)),
           coalesce(n.expect_at, ledger_now() + make_interval(secs => n.expect)),
           n.origin, n.debounce, n.parent,
           case when n.owner is null then 'queued' else 'running' end, case when n.owner is null then 0 else 1 end,
           n.owner, case when n.owner is not null then ledger_now() end, case when n.owner is not null then ledger_now() end,
           case when n.owner is not null then ledger_now() + make_interval(secs => lease) end
    from unnest(job_ids, steps, pipelines, keys, inputs, input_hashes, priorities, delays, begin_runs.at_most, deadlines,
                expectations, origins, debounces, parents, deadlines_at, expected_at, owners)
         as n (job_id, step, pipeline, key, input, input_hash, priority, delay, at_most, deadline, expect, origin, debounce,
               parent, deadline_at, expect_at, owner)
    order by n.job_id, n.step, n.input_hash
    on conflict (job_id, step) do update set input_hash = excluded.input_hash, pipeline = excluded.pipeline
        where runs.input_hash is distinct from excluded.input_hash or runs.pipeline <> excluded.pipeline
    returning runs.id, runs.job_id, runs.step, runs.pipeline, runs.key, runs.attempt, runs.failures,
              case when runs.status = 'running' then runs.input::text end,
              extract(epoch from runs.deadline_at - ledger_now())::double precision;
end $$;

-- Opens an alert, or counts on the one that is open: `times` more, or up to `total`, or once for each of the `moments` that lie
-- behind its last one. With `news_only` an open alert that says and counts the same stays as it is. Returns its id; null where
-- it stays.
create function raise_alert(
    alert_kind text, about text, message text, job text default null, times int default 1, total int default null,
    moments timestamptz[] default null, news_only boolean default false)
    returns bigint language sql
begin atomic
    insert into alerts (kind, subject, text, job_id, count)
    values (alert_kind, about, message, job, greatest(1, coalesce(total, cardinality(moments), times)))
    on conflict (kind, subject) where resolved_at is null do update
        set text = excluded.text, job_id = excluded.job_id, last_at = ledger_now(),
            count = coalesce(total, alerts.count + coalesce((select count(*) from unnest(moments) m where m > alerts.last_at
                                                             having moments is not null), times))
        where case when moments is not null then exists (select from unnest(moments) m where m > alerts.last_at)
                   else not news_only or alerts.text <> excluded.text or alerts.count <> coalesce(total, alerts.count) end
    returning id;
end;

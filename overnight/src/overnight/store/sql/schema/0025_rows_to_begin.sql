-- Runs to begin are one array of rows. The function of 22 with an array for each column stays for the workers of the code
-- before, which go on beside it; a later release may drop it.

-- A run to begin. Times are seconds from now; a step that follows another has the moments of its job (`deadline_at`,
-- `expect_at`) instead. One with an owner is running from the start. One array of rows costs less than an array for each
-- column.
create type new_run as (
    job_id text, step text, pipeline text, key text, input jsonb, input_hash text, priority int,
    delay double precision, at_most double precision, deadline double precision, expect double precision,
    origin text, debounce text, parent bigint, deadline_at timestamptz, expect_at timestamptz, owner text);

-- The runs to begin of which a client sends a column each.
create function new_runs(
    job_ids text[], steps text[], pipelines text[], keys text[], inputs text[], input_hashes text[], priorities int[],
    delays double precision[], at_most double precision[], deadlines double precision[], expectations double precision[],
    origins text[], debounces text[])
    returns new_run[] language sql stable parallel safe
    return (select array_agg(row(n.job_id, n.step, n.pipeline, n.key, n.input::jsonb, n.input_hash, n.priority, n.delay,
                                 n.at_most, n.deadline, n.expect, n.origin, n.debounce, null, null, null, null)::new_run)
            from unnest(job_ids, steps, pipelines, keys, inputs, input_hashes, priorities, delays, at_most, deadlines,
                        expectations, origins, debounces)
                 as n (job_id, step, pipeline, key, input, input_hash, priority, delay, at_most, deadline, expect, origin,
                       debounce));

-- Inserts the runs that do not exist yet, and returns them as a claim would. An existing one with the same inputs is left as
-- it is; with other inputs the guard of `runs` refuses the whole statement (OV001); two of them in one call are refused by
-- Postgres itself. Sorted, so that two callers lock in the same order. `lease` is in seconds, for those that have an owner.
create function begin_runs(new_runs new_run[], lease double precision default null)
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
    from unnest(new_runs) n
    order by n.job_id, n.step, n.input_hash
    on conflict (job_id, step) do update set input_hash = excluded.input_hash, pipeline = excluded.pipeline
        where runs.input_hash is distinct from excluded.input_hash or runs.pipeline <> excluded.pipeline
    returning runs.id, runs.job_id, runs.step, runs.pipeline, runs.key, runs.attempt, runs.failures,
              case when runs.status = 'running' then runs.input::text end,
              extract(epoch from runs.deadline_at - ledger_now())::double precision;
end $$;

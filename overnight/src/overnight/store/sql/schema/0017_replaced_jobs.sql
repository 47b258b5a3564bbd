-- Jobs whose place a later event took while they waited, so that whoever was told of one finds what stands there now. The
-- run stays the same row, whatever job it becomes.
create table replaced_jobs (
    job_id text primary key,
    run_id bigint not null -- no foreign key: it goes with its run
);
create index replaced_jobs_run on replaced_jobs (run_id);

-- An event that finds one of its kind still waiting takes its place and begins the wait again, up to `due_by`.
create or replace function runs_debounce() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('debounce ' || new.debounce, 0));
    insert into replaced_jobs (job_id, run_id)
    select r.job_id, r.id
    from runs r
    where r.debounce = new.debounce and r.status = 'queued' and r.attempt = 0 and r.job_id <> new.job_id
    order by r.id
    on conflict (job_id) do update set run_id = excluded.run_id;
    update runs r
    set job_id = new.job_id, input = new.input, input_hash = new.input_hash, priority = new.priority,
        due_at = least(new.due_at, r.due_by), parent = new.parent, origin = new.origin
    where r.debounce = new.debounce and r.status = 'queued' and r.attempt = 0
      and (r.job_id = new.job_id
           or not exists (select from runs o where o.job_id = new.job_id and o.step = new.step));
    if found then
        return null;
    end if;
    -- The work of the latest event is done already: then what waits would undo it.
    update runs r
    set status = 'cancelled', outcome = 'cancel', finished_at = ledger_now(),
        error = 'a later event took its place, whose job ' || new.job_id || ' has begun or ended already'
    where r.debounce = new.debounce and r.status = 'queued' and r.attempt = 0;
    return new;
end $$;

-- Takes a place in the site's day, unless the job holds one, and says which one it is. The update waits for the row, so
-- places are given out one after the other.
insert into cadence (site, day, jobs)
values (%(site)s, (ledger_now() at time zone 'utc')::date, array[%(job_id)s::text])
on conflict (site, day) do update
set jobs = case when %(job_id)s::text = any(cadence.jobs) then cadence.jobs else cadence.jobs || %(job_id)s::text end
returning day, array_position(jobs, %(job_id)s::text) as place

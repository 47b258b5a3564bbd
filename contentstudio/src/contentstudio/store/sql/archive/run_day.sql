-- The day (UTC) on which a run was made. It is the same for every attempt of the run.
select (created_at at time zone 'utc')::date as day from runs where id = %(run)s

-- The oldest transaction of this database that is still open, for it is the likeliest to hold a lock.
select pid, application_name as name, extract(epoch from clock_timestamp() - xact_start)::float8 as seconds
from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null
order by xact_start
limit 1

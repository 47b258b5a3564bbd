-- concurrently: statement by statement, beside live workers. What follows may run again after it was cut off.

-- What waits for a person, in order of time, for the pages that show the first of it: they need no row that they do not
-- show. It takes the place of an older one; only a run that comes to wait is written into it.
create index concurrently if not exists runs_standing on runs (status, finished_at, id) include (created_at)
    where status in ('needs_review', 'dead');
drop index concurrently if exists runs_waiting;

-- What was cancelled is rare and may be long ago: the list of it would read the whole table.
create index concurrently if not exists runs_cancelled on runs (finished_at, id) where status = 'cancelled';

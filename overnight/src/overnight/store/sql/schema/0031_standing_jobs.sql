-- concurrently: statement by statement, beside live workers. What follows may run again after it was cut off.

-- What failed or waits for a person, the latest first, with what lists choose by, and whose job it is: pages count the failed
-- jobs that are of an article, and none of the rows is read for that.
create index concurrently if not exists runs_standing_jobs on runs (status, id) include (job_id, pipeline, key)
    where status in ('needs_review', 'dead');

-- concurrently: statement by statement, beside live workers. What follows may run again after it was cut off.

-- The calls that are under way: what they hold of a budget comes back when they end.
create index concurrently if not exists llm_calls_under_way on llm_calls (run_id) where status = 'started';
-- The runs that wait for that.
create index concurrently if not exists runs_reserved on runs (due_at)
    where status = 'queued' and error_class = 'reserved';

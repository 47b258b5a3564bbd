-- Since when a run fails, by its last `failures` attempts that failed: those before it was last
-- started again by a person do not count. `since` is now where none did.
select coalesce(min(finished_at), ledger_now()) as since, ledger_now() as now
from (select finished_at from attempts
      where run_id = %(run_id)s and outcome = 'retry'
      order by attempt desc
      limit %(failures)s) a

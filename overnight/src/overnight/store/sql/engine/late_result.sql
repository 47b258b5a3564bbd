-- A result that the guard refused: the lease was lost and the history says so. No row: it had been written after all, by
-- an earlier try whose answer got lost with the connection.
insert into attempts (run_id, attempt, outcome, error, error_class, worker)
select r.id, %(attempt)s, 'late', %(note)s, 'lost', %(worker)s
from runs r
where r.id = %(id)s
  and not (r.attempt = %(attempt)s and r.outcome is not distinct from %(outcome)s)
  and not exists (select from attempts a
                  where a.run_id = r.id and a.attempt = %(attempt)s and a.outcome = %(outcome)s)
on conflict (run_id, attempt) do update set detail = excluded.error
returning run_id

-- Flips a switch, and writes down who did it.
with noted as (
    insert into actions (verb, target, reason, by)
    values (case when %(enabled)s then 'resume' else 'pause' end, %(scope)s, %(reason)s, %(by)s)
)
insert into switches (scope, enabled, reason, changed_by)
values (%(scope)s, %(enabled)s, %(reason)s, %(by)s)
on conflict (scope) do update
    set enabled = excluded.enabled, reason = excluded.reason, changed_by = excluded.changed_by,
        changed_at = clock_timestamp()
returning scope, enabled, reason, changed_by, changed_at

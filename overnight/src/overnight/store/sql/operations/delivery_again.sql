-- Messages of a channel that failed are due at once, unless somebody sends them at this moment; the audit log says who asked.
with due as (
    update deliveries set due_at = least(due_at, ledger_now())
    where app = %(app)s and channel = %(channel)s and sent_at is null and taken_at is null
    returning id
),
noted as (
    insert into actions (verb, target, reason, by)
    select 'send-again', %(channel)s, %(reason)s, %(by)s where exists (select from due)
)
select id from due

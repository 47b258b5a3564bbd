-- Takes the messages that are due to be sent, each for `lease` seconds: who dies in between loses it to the next one. A
-- person may ask for an `early` try of what nobody has in hand.
update deliveries d
set attempts = d.attempts + 1, taken_at = ledger_now(), due_at = ledger_now() + make_interval(secs => %(lease)s)
where d.id in (
    select o.id from deliveries o
    where o.app = %(app)s and o.channel = any(%(names)s::text[]) and o.sent_at is null
      and (o.due_at <= ledger_now() or %(early)s and o.taken_at is null)
    for update skip locked)
returning d.id, d.channel, d.message, d.attempts, d.created_at

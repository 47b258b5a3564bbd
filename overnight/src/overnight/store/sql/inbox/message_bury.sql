-- Keeps what no run could be made of, byte for byte and with the reason, and says so to a person. No row: a message with
-- the sender's key is there already.
with message as (
    insert into messages (source, key, sha256, status, target, bare, error, body)
    values (%(source)s, %(message_key)s, %(sha256)s, 'dead', %(target)s, %(bare)s, %(error)s, %(body)s)
    on conflict (source, key) do nothing
    returning id, source, target, error
)
select m.id,
       raise_alert('dead_letter', m.source || '/' || m.target, 'message m' || m.id || ' is a dead letter: ' || m.error) as alert
from message m

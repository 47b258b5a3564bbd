-- The batches of a provider that it is time to ask about, for the one who asks; others wait for the next time. That comes after
-- a tenth of the batch's age, within bounds.
update llm_batches b
set look_at = ledger_now() + make_interval(secs => least(%(longest)s, greatest(
        %(shortest)s, extract(epoch from ledger_now() - b.created_at)::float8 / 10)))
from (select id from llm_batches
      where provider = %(provider)s and status <> 'ended' and look_at <= ledger_now()
      order by look_at
      limit 10
      for update skip locked) due
where b.id = due.id
returning b.id, b.batch, b.mark, b.status, b.created_at,
          extract(epoch from ledger_now() - b.created_at)::float8 as age

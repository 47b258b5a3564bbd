-- Permission for paid calls, and their bookings: each only for the live owner of its run, only while no switch is off, and
-- only if every budget of the run still has room for the most that the call can cost. Then that much is reserved in all of
-- them. The calls of one statement count one after another, the cheapest first; one that is refused counts for those after it
-- too, so who is refused looks once more (budget_room.sql) and may begin again. One behind a breaker that is not closed
-- `rests`: whether it may be the probe is not decided here.
-- A call is not begun where one of the requests in `known` has a stored answer: the first that has one gives its newest, which
-- is booked as `cached`; what came by a batch is not, for each attempt reads it. Without `most_usd` only that is looked for.
-- The budgets are locked first, always in the order of their scopes: whoever waited for a lock sees the newest sums.
-- A day's sums begin anew with the first call of the next; a call that waited past midnight counts on the new day.
-- A row for each call, in their order. Nothing of all this in it means that the call may not begin. What is asked is kept with
-- the booking: the numbers, and the texts that the run has not yet.
with calls as materialized (
    select *
    from rows from (json_to_recordset(%(calls)s::json) as (
        run_id bigint, job_id text, step text, pipeline text, key text, attempt int, provider text, model text, request_hash text,
        known text[], breaker text, most_usd numeric, batch_id bigint, request jsonb, texts json)) with ordinality
        as c (run_id, job_id, step, pipeline, key, attempt, provider, model, request_hash, known, breaker, most_usd, batch_id,
              request, texts, n)
),
stored as materialized (  -- hash by hash, each by the index
    select distinct on (c.n) c.n, a.*
    from calls c
    cross join unnest(c.known) with ordinality as k (request_hash, place)
    cross join lateral (
        select l.id, l.provider, l.model, l.request_hash, l.batch_id, l.answer, l.stop_reason
        from llm_calls l
        where l.request_hash = k.request_hash and l.status = 'stored' and l.answer is not null
        order by l.id desc
        limit 1) a
    order by c.n, k.place
),
cached as (
    insert into llm_calls (run_id, job_id, step, pipeline, key, attempt, provider, model, request_hash, status, stop_reason,
                           finished_at)
    select c.run_id, c.job_id, c.step, c.pipeline, c.key, c.attempt, s.provider, s.model, s.request_hash, 'cached', s.stop_reason,
           ledger_now()
    from stored s join calls c using (n)
    where s.batch_id is null
),
resting as materialized (
    select c.n from calls c join breakers b on b.name = c.breaker where b.open_until is not null
),
allowed as materialized (
    select c.*, nextval(pg_get_serial_sequence('llm_calls', 'id')) as id
    from calls c
    join runs r on r.id = c.run_id and r.attempt = c.attempt and r.status = 'running'
    where c.most_usd is not null and c.n not in (select s.n from stored s) and c.n not in (select n from resting)
      and switched_off(r.pipeline, r.key, r.step) is null
),
scopes as materialized (
    select a.n, b.scope
    from allowed a join budgets b on in_scope(b.scope, a.pipeline, a.key, a.step)
    where a.most_usd > 0
),
held as materialized (
    select b.scope, b.usd_per_day, b.day, b.spent_usd, b.reserved_usd
    from budgets b
    where b.scope = any(array(select scope from scopes))
    order by b.scope
    for update
),
today as (
    select greatest((ledger_now() at time zone 'utc')::date, max(day)) as day from held
),
sums as (
    select h.scope, h.usd_per_day,
           case when h.day = t.day then h.spent_usd else 0 end as spent_usd,
           case when h.day = t.day then h.reserved_usd else 0 end as reserved_usd
    from held h, today t
),
refused as (
    select n
    from (select a.n, s.usd_per_day - s.spent_usd - s.reserved_usd
                      - sum(a.most_usd) over (partition by s.scope order by a.most_usd, a.n) as left_usd
          from allowed a join scopes using (n) join sums s using (scope)) beside
    where left_usd < 0
),
booked as (
    insert into llm_calls (id, run_id, job_id, step, pipeline, key, attempt, provider, model, request_hash, status,
                           reserved_usd, reserved_in, started_at, batch_id, request)
        overriding system value
    select a.id, a.run_id, a.job_id, a.step, a.pipeline, a.key, a.attempt, a.provider, a.model, a.request_hash, 'started',
           a.most_usd, array(select s.scope from scopes s where s.n = a.n order by s.scope),
           greatest(ledger_now(), t.day::timestamp at time zone 'utc'), a.batch_id, a.request
    from allowed a, today t
    where a.n not in (select n from refused)
    returning id, reserved_usd
),
texts as (
    insert into llm_texts (run_id, sha256, text)
    select distinct on (a.run_id, t.key) a.run_id, decode(t.key, 'hex'), t.value
    from booked join allowed a using (id), json_each_text(a.texts) t
    order by a.run_id, t.key
    on conflict do nothing
),
reserved as (
    update budgets b
    set day = t.day, spent_usd = s.spent_usd, reserved_usd = s.reserved_usd + r.reserved_usd
    from today t, sums s
    join (select c.scope, sum(k.reserved_usd) as reserved_usd
          from booked k join allowed a using (id) join scopes c using (n)
          group by c.scope) r using (scope)
    where b.scope = s.scope
)
select b.id, c.n in (select n from refused) as is_refused, c.n in (select n from resting) as rests,
       s.id as stored_id, s.request_hash, s.batch_id, s.answer, s.stop_reason,
       coalesce(s.model, c.model) as model
from calls c
left join stored s using (n)
left join allowed a using (n)
left join booked b on b.id = a.id
order by c.n

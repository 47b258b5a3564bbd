-- One batch of what is past its time. Of jobs that ended long enough ago first the payloads go, and at last all rows, with
-- their effects and calls of models. A job goes as a whole, and only if each of its steps ended: nothing of a job goes that
-- has a step which is queued, running, dead or in review. What else is past the time of ids goes too: messages with their
-- keys, slots, closed alerts, deeds, workers that stopped; but no message that is a dead letter, and nothing that belongs
-- to a job which is still there.
-- Whoever locks the first run of a job has the job, and nobody waits: what another one has in hand is left to it. No row
-- is both emptied and deleted by one batch. Each candidate's job is asked about by itself, the oldest first: a join would
-- read all of `runs` for a few rows. Without a row in `keeps` nothing goes. An event that is kept for a run that waits goes
-- as payloads do, whether it was given to one or not.
with past as (
    select ledger_now() - max(payloads) as payloads, ledger_now() - max(ids) as ids from keeps
),
emptying as (
    select f.id, f.job_id
    from runs f
    where f.id in (
        select j.first
        from runs e
        cross join lateral (
            select min(o.id) as first from runs o
            where o.job_id = e.job_id
            having bool_and((o.status in ('succeeded', 'cancelled')
                             and o.finished_at < (select payloads from past)) is true)) j
        where e.status in ('succeeded', 'cancelled') and e.emptied_at is null
          and e.finished_at < (select payloads from past)
        order by e.finished_at, e.id
        limit %(batch)s)
    for update skip locked
),
emptied as (
    update runs r
    set input = null, output = null, emptied_at = ledger_now()
    from emptying j
    where r.job_id = j.job_id and r.emptied_at is null
    returning r.id, r.job_id
),
details as (
    update attempts a set detail = null from emptied e where a.run_id = e.id and a.detail is not null
),
answers as (
    update llm_calls c set answer = null, request = null
    from emptied e
    where c.run_id = e.id and (c.answer is not null or c.request is not null)
),
texts as (
    delete from llm_texts t using emptied e where t.run_id = e.id
),
replaced as (
    update actions a set was = null from emptying j where a.target = j.job_id and a.was is not null
),
leaving as (
    select f.id, f.job_id
    from runs f
    where f.id in (
        select j.first
        from runs e
        cross join lateral (
            select min(o.id) as first from runs o
            where o.job_id = e.job_id
            having bool_and((o.emptied_at is not null and o.finished_at < (select ids from past)) is true)) j
        where e.emptied_at is not null and e.finished_at < (select ids from past)
        order by e.finished_at, e.id
        limit %(batch)s)
    for update skip locked
),
gone as (
    delete from runs r using leaving j where r.job_id = j.job_id returning r.id, r.job_id
),
calls as (
    delete from llm_calls c using gone g where c.run_id = g.id
),
written as (
    delete from effects e using leaving j where e.job_id = j.job_id
),
waited as (
    delete from waits w using gone g where w.run_id = g.id
),
joined as (
    delete from wait_jobs j using gone g where j.run_id = g.id
),
kept as (
    delete from events e
    where e.id in (
        select o.id from events o
        where o.received_at < (select payloads from past)
          and not exists (select from runs r where r.id = o.run_id and r.emptied_at is null)
        order by o.received_at
        limit %(batch)s
        for update skip locked)
    returning e.id
),
earlier as (
    delete from replaced_jobs p using gone g where p.run_id = g.id
),
noted as (
    delete from actions a using leaving j where a.target = j.job_id
),
bodies as (
    update messages m
    set body = null
    where m.id in (
        select b.id from messages b
        where b.status in ('replayed', 'dropped') and b.body is not null and b.settled_at < (select payloads from past)
        limit %(batch)s
        for update skip locked)
    returning m.id
),
letters as (
    delete from messages m
    where m.id in (
        select o.id from messages o
        where o.status <> 'dead' and o.body is null and o.received_at < (select ids from past)
          and coalesce(o.settled_at, o.received_at) < (select ids from past)
          and (select min(r.id) from runs r where r.job_id = any(o.jobs)) is null
        order by o.received_at
        limit %(batch)s
        for update skip locked)
    returning m.id
),
fired as (
    delete from slots l
    using schedules s
    cross join lateral (
        select o.slot from slots o
        where (o.app, o.pipeline, o.cron, o.timezone) = (s.app, s.pipeline, s.cron, s.timezone)
          and o.slot < (select ids from past) and o.at < (select ids from past)
          and (select min(r.id) from runs r where r.job_id = o.job_id) is null
        order by o.slot
        limit %(batch)s) old
    where (l.app, l.pipeline, l.cron, l.timezone, l.slot) = (s.app, s.pipeline, s.cron, s.timezone, old.slot)
    returning l.slot
),
told as (
    delete from alerts a
    where a.id in (
        select o.id from alerts o where o.resolved_at < (select ids from past) limit %(batch)s for update skip locked)
    returning a.id
),
deeds as (
    delete from actions a
    where a.id in (
        select o.id from actions o
        where o.at < (select ids from past) and (select min(r.id) from runs r where r.job_id = o.target) is null
        order by o.at
        limit %(batch)s
        for update skip locked)
    returning a.id
),
batches as (
    delete from llm_batches b
    where b.id in (
        select o.id from llm_batches o
        where o.ended_at < (select ids from past)
          and not exists (select from llm_calls c where c.batch_id = o.id)
        order by o.id
        limit %(batch)s
        for update skip locked)
    returning b.id
),
stopped as (
    delete from workers w
    where w.boot_id in (
        select o.boot_id from workers o
        where o.stopped_at < (select ids from past)
        limit %(batch)s
        for update skip locked)
    returning w.boot_id
)
select (select count(*) from emptying) as emptied, (select count(*) from leaving) as gone,
       (select count(*) from bodies) + (select count(*) from letters) + (select count(*) from fired)
       + (select count(*) from told) + (select count(*) from deeds) + (select count(*) from batches)
       + (select count(*) from stopped) + (select count(*) from kept) as others

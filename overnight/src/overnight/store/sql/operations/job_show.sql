select r.id, r.job_id, r.step, r.pipeline, r.key, r.status, r.outcome, r.attempt, r.failures, r.losses, r.cost_usd,
       r.created_at, r.due_at, r.started_at, r.finished_at, r.error, r.error_class, r.input, r.output, r.parent,
       switched_off(r.pipeline, r.key, r.step) as held_by,
       coalesce((select jsonb_agg(to_jsonb(a) - 'run_id' order by a.attempt) from attempts a where a.run_id = r.id),
                '[]'::jsonb) as attempts,
       coalesce((select jsonb_agg(to_jsonb(e) order by e.id) from effects e
                 where e.job_id = r.job_id and e.run_id = r.id), '[]'::jsonb) as effects,
       coalesce((select jsonb_agg(to_jsonb(c) - 'answer' - 'request' order by c.id) from llm_calls c where c.run_id = r.id),
                '[]'::jsonb) as llm_calls,
       (select jsonb_build_object('event', w.event, 'key', w.key, 'missing', w.missing,
                                  'jobs', (select count(*) from wait_jobs j where j.run_id = w.run_id))
        from waits w
        where w.run_id = r.id and r.status = 'queued' and r.attempt = 0 and w.fulfilled_at is null) as waits
from runs r
where r.job_id = %(job_id)s
order by r.id

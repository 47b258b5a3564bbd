-- What became of the message that came first with this key. Where a later event took the place of one of its jobs, the job
-- that stands there.
select m.id, m.sha256, m.target, m.status, m.error,
       array(select coalesce(r.job_id, j.job_id)
             from unnest(m.jobs) with ordinality as j (job_id, place)
             left join replaced_jobs p
                 on p.job_id = j.job_id and not exists (select from runs o where o.job_id = j.job_id)
             left join runs r on r.id = p.run_id
             order by j.place) as jobs
from messages m
where m.source = %(source)s and m.key = %(message_key)s

-- The articles that stand beside a draft, newest first: published, queued, or turned down by a person.
select r.output->'draft' as draft,
       case when r.status = 'cancelled' then 'rejected'
            when exists (select from runs p where p.job_id = r.job_id and p.step = 'publish' and p.status = 'succeeded')
            then 'published' else 'queued' end as "where"
from runs r
where r.pipeline = 'article' and r.step = 'gate' and r.output ? 'draft' and r.job_id <> %(job_id)s
order by r.id desc
limit %(most)s

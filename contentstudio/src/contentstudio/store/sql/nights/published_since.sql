-- What came to stand on a site since a moment, each article once, and what its title is: new ones and new versions, by
-- their job or by a person's going back. What was found as it was, what was left to a person who had changed it, and what
-- is gone again, is none of them.
select distinct on (p.key, u.slug) p.job_id, p.key as site, u.slug, p.output->>'url' as url, p.output->>'path' as path,
       p.output->>'action' as action, u.existing->>'state' as state, v.draft->>'title' as title, p.finished_at
from runs p
join publications u on u.site = p.key and u.existing->>'url' = p.output->>'url'
left join versions v on v.site = u.site and v.slug = u.slug and v.sha256 = u.existing->>'sha256'
where p.pipeline in ('article', 'rollback', 'publish') and p.step = 'publish' and p.status = 'succeeded'
  and p.output->>'action' in ('created', 'updated') and p.finished_at >= %(since)s
order by p.key, u.slug, p.output->>'action' = 'created' desc, p.finished_at desc

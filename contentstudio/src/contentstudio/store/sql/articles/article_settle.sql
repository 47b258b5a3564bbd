-- What became of a site's articles by other ways: their jobs were cancelled. As in article_end.sql; one that was not yet
-- written waits for better sources.
update articles a
set state = case when a.url is not null then 'published'
                 when exists (select from versions v where v.site = a.site and v.slug = a.slug) then 'unpublished'
                 when a.state in ('researching', 'writing') and r.step in ('research', 'brief', 'generate') then 'idea'
                 else 'rejected' end
from runs r
where a.site = %(site)s and r.job_id = a.job_id and r.status = 'cancelled'
  and a.state not in ('published', 'unpublished', 'rejected', 'idea')

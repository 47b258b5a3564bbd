-- A job writes its article no further: what readers had stays, what they had once is unpublished as before, and what was
-- never published is turned down, or waits for better sources.
update articles a
set state = case when a.url is not null then 'published'
                 when exists (select from versions v where v.site = a.site and v.slug = a.slug) then 'unpublished'
                 else %(state)s end
where a.job_id = %(job_id)s and a.state not in ('published', 'unpublished', 'rejected', 'idea')
  and (%(state)s <> 'idea' or a.state in ('researching', 'writing', 'refreshing'))

-- A page of ideas in one of their orders: that by hand, the best score of today, the nearest due day, or the newest first. In
-- that by hand those come first that have a place in it, and the others by their score. `show` says which: those
-- that nobody decided on or that are on their way (open), those that wait for a decision, are planned, were published, or
-- are not wanted.
select site, slug, title, origin, decision, reason, score, factors, wish, due, created_by, decided_by, decided_at, state,
       position, job_id, rank
from (
    select i.site, i.slug, i.title, i.origin, i.decision, i.reason, i.score, i.factors, i.wish, i.due, i.created_by,
           i.decided_by, i.decided_at, i.position, a.state, a.job_id,
           case %(order)s::text when 'hand' then coalesce(i.position, 1e9::double precision - s.today)
                                when 'due' then extract(epoch from coalesce(i.due, date '2999-12-31'))::double precision
                                when 'new' then - extract(epoch from i.decided_at)::double precision
                                else - s.today end as rank,
           case when i.decision = 'skip' then 'undecided'
                when i.decision = 'drop' or a.state = 'rejected' then 'unwanted'
                when a.state in ('published', 'unpublished', 'refreshing') then 'published'
                else 'planned' end as kind
    from ideas i
    left join articles a on a.site = i.site and a.slug = i.slug
    cross join lateral (
        -- Postgres does not inline the function, and few ideas are due on a day.
        select case when i.due is null then i.score
                    else idea_score(i.score, i.factors, i.due, %(today)s, %(urgent_days)s, %(weights)s::jsonb) end as today
    ) s
    where %(site)s::text is null or i.site = %(site)s
) as ranked
where (kind = %(show)s or %(show)s = 'open' and kind in ('undecided', 'planned'))
  and (%(after_slug)s::text is null or (rank, site, slug) > (%(after_rank)s::double precision, %(after_site)s::text, %(after_slug)s))
order by rank, site, slug
limit %(limit)s

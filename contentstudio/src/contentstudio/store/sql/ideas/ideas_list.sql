-- The ideas that were decided on lately, are due, or are on their way; and what was found for articles that there are.
select i.site, i.slug, i.found_on::text as found_on, i.title, i.origin, i.decision, i.reason, i.score, i.factors,
       i.signals, i.urls, i.wish, i.due::text as due, i.created_by, i.decided_by, i.decided_at, a.state,
       case when i.decision = 'create' then i.slug end as target, c.near, c.likeness, coalesce(c.pages, 0) as pages,
       a.job_id, a.changed_at, true as is_idea
from ideas i
left join articles a using (site, slug)
left join lateral (
    select c.near, c.likeness, cardinality(c.snapshots) as pages from choices c
    where c.site = i.site and c.slug = i.slug
    order by c.chosen_at desc
    limit 1
) c on true
where (%(site)s::text is null or i.site = %(site)s)
  and (i.decided_at >= ledger_now() - make_interval(days => %(days)s)
       or i.decision = 'create' and a.state not in ('published', 'unpublished', 'rejected', 'refreshing'))
union all
select c.site, c.slug, c.found_on::text, c.title, 'story', c.decision, c.reason, c.score, c.factors,
       '[]', '{}', '', null, null, null, c.chosen_at, null,
       c.target, c.near, c.likeness, cardinality(c.snapshots), null, null, false
from choices c
where (%(site)s::text is null or c.site = %(site)s) and c.chosen_at >= ledger_now() - make_interval(days => %(days)s)
  and (c.decision = 'update'
       or c.decision = 'skip' and not exists (select from ideas i where i.site = c.site and i.slug = c.slug
                                                and i.decision <> 'create'))
order by decided_at desc, score desc, slug

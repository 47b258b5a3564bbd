-- All articles of a site, day by day.
select day, sum(clicks)::int as clicks, sum(impressions)::int as impressions, sum(visits)::int as visits
from article_results
where site = %(site)s and day between %(first)s and %(last)s
group by day
order by day

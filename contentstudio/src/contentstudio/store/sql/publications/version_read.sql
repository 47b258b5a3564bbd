-- One version of an article by its number, or the one that was published last; with the hash that names it.
select v.number, v.sha256, v.draft, v.job_id, v.at, v.latest, v.withdrawn
from article_versions v
where v.site = %(site)s and v.slug = %(slug)s
  and case when %(number)s::int is null then v.latest else v.number = %(number)s end
limit 1

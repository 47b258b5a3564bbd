-- Every version of an article, the first one first.
select number, at, job_id, latest, withdrawn, draft->>'title' as title from article_versions
where site = %(site)s and slug = %(slug)s
order by number

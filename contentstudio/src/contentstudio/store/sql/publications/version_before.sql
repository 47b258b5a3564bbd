-- The version to go back to: the one of that number, or else the one before the latest that was not withdrawn.
select v.number, v.draft from article_versions v
where v.site = %(site)s and v.slug = %(slug)s
  and (v.number = %(number)s::int
       or %(number)s::int is null and not v.withdrawn
          and v.number < (select c.number from article_versions c
                          where c.site = %(site)s and c.slug = %(slug)s and c.latest))
order by v.number desc
limit 1

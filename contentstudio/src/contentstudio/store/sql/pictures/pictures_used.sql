-- The pictures that articles of a site got last, and all that one article got: the latest first.
(select slug, origin, image, chosen_at from article_pictures
 where site = %(site)s
 order by chosen_at desc
 limit %(limit)s)
union
select slug, origin, image, chosen_at from article_pictures
where site = %(site)s and slug = %(slug)s
order by chosen_at desc

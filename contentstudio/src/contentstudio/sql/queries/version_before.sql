-- The version that stood there before the one that does.
select sha256, draft, at from versions
where site = %(site)s and slug = %(slug)s
  and at < (select max(at) from versions where site = %(site)s and slug = %(slug)s)
order by at desc
limit 1

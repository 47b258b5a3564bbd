-- The sitemap was submitted, with all that had changed by then.
update listings set sitemap_at = %(moment)s
where site = %(site)s and changed_at <= %(moment)s and (sitemap_at is null or sitemap_at < changed_at)

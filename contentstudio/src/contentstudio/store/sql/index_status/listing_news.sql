-- Whether something changed since the sitemap was submitted, and what time it is.
select ledger_now() as now,
       exists (select from listings where site = %(site)s and (sitemap_at is null or sitemap_at < changed_at)) as news

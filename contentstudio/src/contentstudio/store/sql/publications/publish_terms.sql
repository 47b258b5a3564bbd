-- When the text of a job may go out: the ledger's clock; the day that its article is due, unless readers had it before; and
-- whether a person wants it published at once (publish_now.sql).
select ledger_now() as now,
       (select i.due from ideas i
        where i.site = %(site)s and i.slug = %(slug)s
          and not exists (select from versions v where v.site = i.site and v.slug = i.slug)) as due,
       exists (select from actions where target = %(job_id)s and verb = 'publish') as at_once

-- How each site was when it was looked at last.
select site, ok, findings, job_id, checked_at, changed_at from site_checks order by site

-- How each site was when it was looked at last.
select site, ok, findings, job_id, checked_at from site_checks order by site

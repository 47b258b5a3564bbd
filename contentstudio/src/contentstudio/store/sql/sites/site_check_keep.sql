-- Keeps what was found at a site, in the place of what was found before, and when the verdict changed.
insert into site_checks (site, ok, findings, job_id)
values (%(site)s, %(ok)s, %(findings)s::jsonb, %(job_id)s)
on conflict (site) do update
set ok = excluded.ok, findings = excluded.findings, job_id = excluded.job_id, checked_at = excluded.checked_at,
    changed_at = case when site_checks.ok <> excluded.ok then excluded.checked_at else site_checks.changed_at end

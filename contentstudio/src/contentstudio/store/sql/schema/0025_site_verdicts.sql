-- When the verdict on a site changed: from fit to unfit or back. Null while it is as it was at first.
alter table site_checks add column changed_at timestamptz;

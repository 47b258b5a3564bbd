-- A version has a number for good: its place by when it was first published. `at` is when it was published last, so the
-- latest `at` is what stands. Going back to a version withdraws the later ones, so that going back again leads further.
alter table versions
    add column first_at  timestamptz,
    add column withdrawn boolean not null default false;
update versions set first_at = at;
alter table versions
    alter column first_at set default ledger_now(),
    alter column first_at set not null;

create view article_versions as
    select site, slug, sha256, draft, job_id, at, first_at, withdrawn,
           row_number() over (partition by site, slug order by first_at, sha256)::int as number,
           at = max(at) over (partition by site, slug) as latest
    from versions;

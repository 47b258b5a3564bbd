-- The job ids that begin so: people type the first digits. A whole id, as the links of pages have it, is found by itself,
-- and the others are not looked for then. Planned anew for each prefix: only then it is a part of the index.
with whole as (
    select job_id from runs where job_id = %(prefix)s limit 1
)
select job_id from whole
union all
(select distinct job_id from runs
 where starts_with(job_id, %(prefix)s) and not exists (select from whole)
 order by job_id
 limit 3)

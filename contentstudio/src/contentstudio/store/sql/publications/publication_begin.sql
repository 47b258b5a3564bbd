-- Written before anything is written outside, so that what is found there after a crash is known as ours.
insert into publications (site, slug, job_id, begun)
values (%(site)s, %(slug)s, %(job_id)s, array[%(sha256)s::text])
on conflict (site, slug) do update
    set job_id = excluded.job_id, begun = array_remove(publications.begun, %(sha256)s::text) || excluded.begun

-- What an app wants kept: in days after the end of a job.
insert into keeps (app, payloads, ids)
values (%(app)s, make_interval(secs => 86400 * %(payloads)s::float8), make_interval(secs => 86400 * %(ids)s::float8))
on conflict (app) do update set payloads = excluded.payloads, ids = excluded.ids
    where (keeps.payloads, keeps.ids) is distinct from (excluded.payloads, excluded.ids)

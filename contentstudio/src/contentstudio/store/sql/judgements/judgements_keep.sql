-- Keeps what a judge found of the texts of an article. What was found before stays; only with which other texts one conflicts
-- changes with these.
insert into judgements (job_id, site, slug, key, text, ruling, passages, why, conflicts, judge)
select %(job_id)s, %(site)s, %(slug)s, f.key, f.text, f.ruling, f.passages, f.why, f.conflicts, f.judge
from jsonb_to_recordset(%(findings)s::jsonb)
     as f (key text, text text, ruling text, passages jsonb, why text, conflicts jsonb, judge text)
on conflict (job_id, key) do update set conflicts = excluded.conflicts
where judgements.conflicts <> excluded.conflicts

-- The texts of a site that have no vector of this provider yet: documents, and pages that wait for a decision.
select distinct on (t.sha256) t.sha256, t.title, t.text
from (
    select sha256, title, text from documents where site = %(site)s
    union all
    select c.sha256, c.title, s.text from candidates c join snapshots s on s.sha256 = c.snapshot
    where c.site = %(site)s and c.chosen_by is null
) t
where not exists (select from embeddings e where e.sha256 = t.sha256 and e.provider = %(provider)s)
order by t.sha256
limit %(most)s

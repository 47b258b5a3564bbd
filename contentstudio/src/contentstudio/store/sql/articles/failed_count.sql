-- How many articles wait for a person because their job failed; of more than `most` no more are counted.
select count(*)::int as count
from (select from runs r where r.status = 'dead' and exists (select from articles a where a.job_id = r.job_id)
      limit %(most)s) f

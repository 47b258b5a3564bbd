-- What came to wait for a person since a moment, and does so yet.
select status, count(*) as count
from runs
where status in ('needs_review', 'dead') and finished_at >= %(since)s
group by status

-- A person's approval of what a job wrote, and not of its brief.
select a.id from actions a
where a.verb = 'approve' and a.target = %(job_id)s and a.step not in ('research', 'brief', 'generate')
limit 1

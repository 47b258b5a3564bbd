-- A person's edit of what a job wrote, and not of what it was to write about; of one step where that is named.
select id from actions
where verb = 'edit' and target = %(job_id)s and step not in ('research', 'brief', 'generate') and (%(step)s::text is null or step = %(step)s)
limit 1

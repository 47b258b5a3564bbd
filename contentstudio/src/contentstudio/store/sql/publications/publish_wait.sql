-- How the text of a job waits to be published: since which step, until when, and why.
select step, due_at, error as reason from runs
where job_id = %(job_id)s and pipeline = 'article' and step in ('confirm', 'publish') and status = 'queued'
  and due_at > ledger_now()

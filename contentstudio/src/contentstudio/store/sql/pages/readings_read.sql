-- What was read of these pages within a day. That a page could not be read is believed by the job that tried.
select r.url as requested_url, r.fault, s.url, s.title, s.text, s.sha256, s.language, s.published_at, s.author
from readings r
left join snapshots s on s.sha256 = r.snapshot
where r.url = any(%(urls)s::text[]) and r.read_at > ledger_now() - interval '1 day'
  and case when r.fault is null then s.sha256 is not null else r.job_id = %(job_id)s end

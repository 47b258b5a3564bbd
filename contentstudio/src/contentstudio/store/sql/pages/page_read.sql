-- What is known of a page, if it was read under the same settings. A job is never answered by its own notes: where it
-- was cut off, it has to do its work again.
select answered_by, etag, last_modified, read_at
from pages
where site = %(site)s and url = %(url)s and settings = %(settings)s and job_id <> %(job_id)s
  and (etag is not null or last_modified is not null)

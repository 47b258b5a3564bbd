-- The heartbeats of an app, or of all: what the latest call said, and whether it was taken.
select app, signal, line, error, called_at, taken_at, due_at
from heartbeats
where %(app)s::text is null or app = %(app)s
order by app

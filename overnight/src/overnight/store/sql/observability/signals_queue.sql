-- What waited and who worked, by span.
select at, due, oldest_due_seconds, running, workers
from queue_signals
where span = %(span)s and at >= span_of(%(since)s, %(span)s) and at < %(until)s
order by at

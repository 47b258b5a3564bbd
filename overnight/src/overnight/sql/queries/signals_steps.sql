-- How attempts ended since a moment, by step and span: the part of a span at the beginning and what is not yet added up
-- come from the ledger itself, the spans between from the sums. The same span may come twice. `first` is the first span
-- that lies wholly within.
select s.at, s.pipeline, s.step, s.outcomes, s.seconds, s.failures
from step_signals s
where s.span = %(span)s and s.at >= %(first)s and s.at < %(until)s
  and (%(step)s::text is null or s.pipeline || '/' || s.step = %(step)s)
union all
select c.at, c.pipeline, c.step, c.outcomes, c.seconds, c.failures
from signals_mark m
cross join lateral (values (%(since)s::timestamptz, least(%(first)s::timestamptz, %(until)s, m.until)),
                           (greatest(%(since)s::timestamptz, m.until), %(until)s::timestamptz)) p (since, until)
cross join lateral count_endings(p.since, p.until, %(span)s) c
where %(step)s::text is null or c.pipeline || '/' || c.step = %(step)s

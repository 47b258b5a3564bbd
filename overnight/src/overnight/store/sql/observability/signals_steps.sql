-- How attempts ended since a moment, by step and span; the counts are text, as whoever reads them knows most of them. The
-- pieces are sums of shorter and shorter spans, the shortest at the beginning; what is before `first`, the first of them, and
-- what is not yet added up comes from the ledger itself. The same span may come several times. Each piece is read by itself:
-- a join would read all sums.
select span_of(s.at, %(span)s) as at, s.pipeline, s.step, s.outcomes::text, s.seconds::text, s.failures::text
from unnest(%(piece_span)s::int[], %(piece_since)s::timestamptz[], %(piece_until)s::timestamptz[])
     p (span, since, until)
cross join lateral (select * from step_signals o
                    where o.span = p.span and o.at >= p.since and o.at < p.until offset 0) s
where %(step)s::text is null or s.pipeline || '/' || s.step = %(step)s
union all
select c.at, c.pipeline, c.step, c.outcomes::text, c.seconds::text, c.failures::text
from signals_mark m
cross join lateral (values (%(since)s::timestamptz, least(%(first)s::timestamptz, %(until)s, m.until)),
                           (greatest(%(since)s::timestamptz, m.until), %(until)s::timestamptz)) p (since, until)
cross join lateral count_endings(p.since, p.until, %(span)s) c
where %(step)s::text is null or c.pipeline || '/' || c.step = %(step)s

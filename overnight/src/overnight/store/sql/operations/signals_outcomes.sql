-- How attempts ended since a moment, all steps and spans together; put together as in signals_steps.sql.
select o.name, sum(o.count::bigint)::bigint as count
from (select s.outcomes
      from unnest(%(piece_span)s::int[], %(piece_since)s::timestamptz[], %(piece_until)s::timestamptz[])
           p (span, since, until)
      cross join lateral (select * from step_signals o
                          where o.span = p.span and o.at >= p.since and o.at < p.until offset 0) s
      union all
      select c.outcomes
      from signals_mark m
      cross join lateral (values (%(since)s::timestamptz, least(%(first)s::timestamptz, %(until)s, m.until)),
                                 (greatest(%(since)s::timestamptz, m.until), %(until)s::timestamptz)) p (since, until)
      cross join lateral count_endings(p.since, p.until, %(span)s) c) s
cross join lateral jsonb_each_text(s.outcomes) o (name, count)
group by o.name

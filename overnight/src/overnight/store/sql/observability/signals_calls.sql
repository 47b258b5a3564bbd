-- Calls of models since a moment by span, and by key or model where asked; put together as in signals_steps.sql.
select at, name, sum(calls)::bigint as calls, sum(failed)::bigint as failed, sum(cached)::bigint as cached,
       sum(input_tokens)::bigint as input_tokens, sum(output_tokens)::bigint as output_tokens, sum(cost_usd) as cost_usd
from (select span_of(s.at, %(span)s) as at,
             case %(by)s::text when 'key' then s.key when 'model' then s.model else '' end as name,
             s.calls, s.failed, s.cached, s.input_tokens, s.output_tokens, s.cost_usd
      from unnest(%(piece_span)s::int[], %(piece_since)s::timestamptz[], %(piece_until)s::timestamptz[])
           p (span, since, until)
      cross join lateral (select * from call_signals o
                          where o.span = p.span and o.at >= p.since and o.at < p.until offset 0) s
      union all
      select c.at, case %(by)s::text when 'key' then c.key when 'model' then c.model else '' end,
             c.calls, c.failed, c.cached, c.input_tokens, c.output_tokens, c.cost_usd
      from signals_mark m
      cross join lateral (values (%(since)s::timestamptz, least(%(first)s::timestamptz, %(until)s, m.until)),
                                 (greatest(%(since)s::timestamptz, m.until), %(until)s::timestamptz)) p (since, until)
      cross join lateral count_calls(p.since, p.until, %(span)s) c) c
group by at, name
order by at, name

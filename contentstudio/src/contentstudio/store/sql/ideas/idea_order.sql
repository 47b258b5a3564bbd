-- Gives an idea its place in the order of its site (`idea_order` in the schema), and writes down who did it.
with ordered as (
    select idea_order(%(site)s, %(slug)s, %(to)s, %(beside)s, %(today)s, %(urgent_days)s, %(weights)s::jsonb) as place
),
noted as (
    insert into actions (verb, target, reason, was, by)
    select 'order', %(site)s || '/' || %(slug)s, %(reason)s, jsonb_build_object('to', %(to)s::text, 'beside', %(beside)s::text),
           %(by)s
    from ordered where place is not null
)
select place from ordered where place is not null

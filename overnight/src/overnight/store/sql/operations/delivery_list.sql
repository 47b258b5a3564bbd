-- The channels in use with their latest message, sent or not, and since when one has not got through.
select c.app, c.name as channel, c.kind, d.id, d.message ->> 'title' as title, d.attempts, d.created_at, d.sent_at, d.error,
       case when d.sent_at is null then d.due_at end as due_at
from channels c
left join lateral (
    select * from deliveries d where d.app = c.app and d.channel = c.name order by d.created_at desc, d.id desc limit %(limit)s
) d on true
where c.retired_at is null and (%(app)s::text is null or c.app = %(app)s)
order by c.app, c.name, d.created_at desc, d.id desc

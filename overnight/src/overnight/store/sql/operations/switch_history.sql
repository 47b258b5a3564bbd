-- Who flipped what and when, newest first.
select verb, target as scope, reason, by, at
from actions
where verb in ('pause', 'resume') and (%(scope)s::text is null or target = %(scope)s)
order by id desc
limit %(limit)s

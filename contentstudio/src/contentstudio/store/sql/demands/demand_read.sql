select source, query, impressions, clicks, position, weight
from demands
where site = %(site)s
order by weight desc, impressions desc, query

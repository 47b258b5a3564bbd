-- The articles that a job decided on, in the order that a person gave their ideas, then the best score first.
select c.target as slug, c.found_on
from choices c
left join ideas i on i.site = c.site and i.slug = c.target
where c.site = %(site)s and c.chosen_by = %(chosen_by)s and c.target is not null
group by c.target, c.found_on, i.position, i.score
order by i.position nulls last, i.score desc nulls last, c.target

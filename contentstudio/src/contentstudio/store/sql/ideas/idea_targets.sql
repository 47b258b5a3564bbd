-- The articles that a job decided on.
select distinct target as slug, found_on from choices
where site = %(site)s and chosen_by = %(chosen_by)s and target is not null
order by target

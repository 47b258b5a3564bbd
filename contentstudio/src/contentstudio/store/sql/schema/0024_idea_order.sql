-- The order of a site's ideas that a person gave by hand: those with a position come first, by it; the others follow by their
-- score. Workers of the release before know no position, and begin ideas in their own order.
alter table ideas add column position int;

-- The score of an idea on a day: a due day that comes near raises it, over `urgent_days` from nothing to all.
-- `weights` are those of the factors.
create function idea_score(score double precision, factors jsonb, due date, today date, urgent_days double precision,
                           weights jsonb)
returns double precision language sql immutable parallel safe as $$
    select case when due is null then score else (
        select coalesce(sum(f.value * w.value::double precision) / nullif(sum(w.value::double precision), 0), 0)
        from (select key, value::double precision as value from jsonb_each(factors) where key <> 'urgency'
              union all
              select 'urgency', least(greatest(1 - (due - today) / urgent_days, 0), 1)) f
        join jsonb_each(weights) w on w.key = f.key) end
$$;

-- The ideas of a site that are to be decided on or to be written, each with its place in their order.
create function idea_places(of_site text, today date, urgent_days double precision, weights jsonb)
returns table (slug text, place bigint) language sql stable as $$
    select i.slug, row_number() over (
        order by i.position nulls last, idea_score(i.score, i.factors, i.due, today, urgent_days, weights) desc, i.slug)
    from ideas i
    left join articles a on a.site = i.site and a.slug = i.slug
    where i.site = of_site
      and (i.decision = 'skip'
           or i.decision = 'create' and coalesce(a.state, '') not in ('published', 'unpublished', 'refreshing', 'rejected'))
$$;

-- Gives an idea its place in the order: the first one, one up or down, before or after another idea, or none by hand. All that
-- stand before it keep their places, by hand from now on. Of two at once the second waits for the first and sees what it did.
-- Null where there is no such idea, or none beside it; 0 for no place by hand.
create function idea_order(of_site text, of_slug text, goes text, beside text, today date, urgent_days double precision,
                           weights jsonb)
returns int language plpgsql as $$
declare
    mine bigint;
    ahead bigint;  -- how many of the others stand before it then
begin
    perform pg_advisory_xact_lock(hashtext('ideas'), hashtext(of_site));
    select p.place into mine from idea_places(of_site, today, urgent_days, weights) p where p.slug = of_slug;
    ahead := case goes when 'first' then 0
                       when 'up' then greatest(mine - 2, 0)
                       when 'down' then least(mine, (select count(*) - 1 from idea_places(of_site, today, urgent_days, weights)))
                       else (select p.place - (p.place > mine)::int - (goes = 'before')::int
                             from idea_places(of_site, today, urgent_days, weights) p
                             where p.slug = beside and beside <> of_slug) end;
    if mine is not null and goes = 'none' then
        update ideas i set position = null where i.site = of_site and i.slug = of_slug;
        return 0;
    end if;
    update ideas i set position = n.position
    from (select p.slug, case when p.slug = of_slug then ahead + 1 else o.place + (o.place > ahead)::int end as position,
                 p.slug = of_slug or o.place <= ahead as is_before
          from idea_places(of_site, today, urgent_days, weights) p
          cross join lateral (select p.place - (p.place > mine)::int as place) o) n
    where i.site = of_site and i.slug = n.slug and mine is not null and ahead is not null
      and (n.is_before or i.position is not null) and i.position is distinct from n.position;
    return case when mine is not null then ahead + 1 end;
end
$$;

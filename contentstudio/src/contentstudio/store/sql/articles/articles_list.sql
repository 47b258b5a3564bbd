-- The articles that match, the latest to change first: where each is, what stands on its site, what the model calls of the
-- jobs that wrote it cost, and what search engines and analytics counted in 28 days. `text` has beginnings of words of the
-- title or the slug; `failed` is a state, too, of those whose job failed. What ended the last page changed at `before_at`. Of
-- the rows of one page alone more is read.
select a.site, a.slug, a.title, a.state, a.url, a.language, a.words, a.sources, a.job_id, a.changed_at as at,
       p.standing, coalesce(p.differs, '[]') as differs, v.version, v.versions, c.cost_usd,
       r.clicks, r.impressions, r.position, r.visits, c.failed
from (
    select * from articles
    where (%(site)s::text is null or site = %(site)s)
      and (%(slug)s::text is null or slug = %(slug)s)
      and (%(state)s::text is null or state = %(state)s
           or %(state)s = 'failed' and job_id in (select d.job_id from runs d where d.status = 'dead'))
      and (%(text)s::text is null
           or to_tsvector('simple', spaced_words(title || ' ' || slug))
              @@ (select to_tsquery('simple', string_agg('''' || word || ''':*', ' & '))
                  from regexp_split_to_table(spaced_words(%(text)s::text), '\s+') word
                  where word <> ''))
      and (%(before_at)s::timestamptz is null
           or (changed_at, site, slug) < (%(before_at)s::timestamptz, %(before_site)s::text, %(before_slug)s::text))
    order by changed_at desc, site desc, slug desc
    limit %(limit)s
) a
left join lateral (
    select coalesce(p.existing->>'state', 'unpublished') as standing, p.existing->'differs' as differs
    from publications p
    where p.site = a.site and p.slug = a.slug
) p on true
left join lateral (
    select max(n.number) filter (where n.latest) as version, nullif(count(*), 0)::int as versions
    from article_versions n
    where n.site = a.site and n.slug = a.slug
) v on true
left join lateral (
    select sum(j.cost_usd)::float8 as cost_usd,
           coalesce(bool_or(j.status = 'dead') filter (where j.job_id = a.job_id), false) as failed
    from runs j
    where j.job_id in (select a.job_id union select w.job_id from versions w where w.site = a.site and w.slug = a.slug)
) c on true
left join lateral (
    select sum(d.clicks)::int as clicks, sum(d.impressions)::int as impressions, sum(d.visits)::int as visits,
           sum(d.position * d.impressions) / nullif(sum(d.impressions) filter (where d.position is not null), 0) as position
    from article_results d
    where d.site = a.site and d.slug = a.slug and d.day > ledger_now()::date - 28
) r on true
order by a.changed_at desc, a.site desc, a.slug desc

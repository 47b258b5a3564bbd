-- Moves an article to a state, and begins it where it has no row. What belongs to another job is left
-- alone, unless this job takes it over. An article that was published is refreshed, not planned or written; one that is
-- being written is not planned again, but written again.
insert into articles (site, slug, job_id, title, language, url, state, words, sources)
values (%(site)s, %(slug)s, %(job_id)s, %(title)s, %(language)s::text, %(url)s::text,
        case when %(state)s::text in ('researching', 'briefed', 'writing')
                  and exists (select from versions v where v.site = %(site)s and v.slug = %(slug)s) then 'refreshing'
             else %(state)s::text end,
        %(words)s::int, %(sources)s::int)
on conflict (site, slug) do update
set state = case when %(state)s::text not in ('researching', 'briefed', 'writing') then %(state)s::text
                 when articles.state in ('published', 'unpublished', 'refreshing') then 'refreshing'
                 when articles.state in ('verifying', 'review', 'ready')
                      then case excluded.state when 'refreshing' then 'refreshing' else 'writing' end
                 when articles.state = 'writing' then 'writing'
                 else %(state)s::text end,
    job_id = excluded.job_id,
    title = excluded.title,
    language = coalesce(excluded.language, articles.language),
    words = coalesce(excluded.words, articles.words),
    sources = coalesce(excluded.sources, articles.sources),
    url = case %(state)s::text when 'published' then excluded.url when 'unpublished' then null else articles.url end
where %(takes_over)s::boolean or articles.job_id = excluded.job_id or articles.job_id is null
   or articles.state in ('idea', 'researching', 'briefed')

-- What readers did with each article, as each source of figures says it, a row for a day.
-- Search engines tell clicks, impressions and position (1 is the first place); analytics tell visits.
create table article_results (
    site        text not null,
    slug        text not null,
    source      text not null,
    day         date not null,
    clicks      integer not null default 0 check (clicks >= 0),
    impressions integer not null default 0 check (impressions >= 0),
    position    double precision check (position > 0),
    visits      integer not null default 0 check (visits >= 0),
    primary key (site, slug, source, day)
);
create index article_results_day on article_results (day, site);

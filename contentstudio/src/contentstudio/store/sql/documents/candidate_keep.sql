-- Notes a page that may become a topic, and says which one has its text. One that was judged under other settings is
-- judged again. The update of what stays changes nothing, but it sees a row that another one inserted a moment ago.
insert into candidates (site, snapshot, url, title, sha256, found_on, settings)
values (%(site)s, %(snapshot)s, %(url)s, %(title)s, %(sha256)s, %(found_on)s, %(settings)s)
on conflict (site, snapshot) do update
set found_on = case when candidates.settings = excluded.settings then candidates.found_on else excluded.found_on end,
    url = case when candidates.settings = excluded.settings then candidates.url else excluded.url end,
    chosen_by = case when candidates.settings = excluded.settings then candidates.chosen_by end,
    settings = excluded.settings
returning url, found_on

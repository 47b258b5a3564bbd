-- What waits on pages of the menu, each counted to `most` alone: every page asks for it.
select (select count(*) from (select from runs where status = 'dead' limit %(most)s) r)
         + (select count(*) from (select from messages where status = 'dead' limit %(most)s) m) as dead,
       (select count(*) from (select from runs where status = 'needs_review' limit %(most)s) v) as review,
       (select count(*) from (select from alerts where resolved_at is null limit %(most)s) a) as alerts

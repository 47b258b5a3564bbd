-- concurrently: statement by statement, beside live workers. What follows may run again after it was cut off.

-- What retention looks for, by age, and who leans on a text: without these each text that goes would read whole tables.
create index concurrently if not exists snapshots_read_at on snapshots (read_at);
create index concurrently if not exists verdicts_at on verdicts (at);
create index concurrently if not exists evidence_checked_at on evidence (checked_at);
create index concurrently if not exists evidence_snapshot on evidence (snapshot);
create index concurrently if not exists topics_snapshot on topics (snapshot);
create index concurrently if not exists page_snapshots_snapshot on page_snapshots (snapshot);
create index concurrently if not exists page_snapshots_since on page_snapshots (since);
create index concurrently if not exists candidates_snapshot on candidates (snapshot);
create index concurrently if not exists choices_snapshots on choices using gin (snapshots) where decision <> 'skip';

-- The question of the mission, as it stands there.
SELECT status, count(*) FROM runs WHERE started_at > now() - interval '24 hours' GROUP BY status

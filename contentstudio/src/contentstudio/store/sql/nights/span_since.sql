select min(started_at) as began, max(finished_at) as ended from runs where started_at >= %(since)s

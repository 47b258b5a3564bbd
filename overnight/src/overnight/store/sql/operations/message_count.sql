-- Messages of which no run could be made, and that wait for a person: those dead letters that are no runs.
select count(*) as malformed from messages where status = 'dead'

select status, count(*) as count from runs group by status order by status

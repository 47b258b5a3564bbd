select job_id, begun, existing from publications where site = %(site)s and slug = %(slug)s

-- A person decided about an article that waited for them. One that another job works on by now is left alone.
update articles set state = %(state)s where job_id = %(job_id)s and state = 'review'

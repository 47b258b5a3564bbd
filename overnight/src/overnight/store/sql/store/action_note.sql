insert into actions (verb, target, step, reason, seen, by)
values (%(verb)s, %(target)s, %(step)s, %(reason)s, %(revision)s, %(by)s)

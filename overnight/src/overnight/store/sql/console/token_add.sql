-- A new token of the API; nothing is returned where the name is taken.
insert into console_tokens (name, hash, role, created_by)
values (%(name)s, %(hash)s, %(role)s, %(by)s)
on conflict (name) do nothing
returning name, role

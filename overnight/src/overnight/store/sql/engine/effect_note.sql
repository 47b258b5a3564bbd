-- What came back from a write that was done, where that cannot be stored as it is: a text for a person. No outcome.
update effects set result = to_jsonb(%(came_back)s::text)
where id = %(id)s and status = 'intended'

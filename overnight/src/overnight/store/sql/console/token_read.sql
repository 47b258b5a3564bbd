-- Who holds a token of the API.
select name as who, role from console_tokens where hash = %(hash)s

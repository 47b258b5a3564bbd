select name, role, created_by, created_at from console_tokens order by name

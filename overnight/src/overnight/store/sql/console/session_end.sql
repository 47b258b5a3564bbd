-- Log out.
delete from console_sessions where hash = %(hash)s

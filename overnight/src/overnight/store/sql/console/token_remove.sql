-- A token that is of no use any more.
delete from console_tokens where name = %(name)s returning name

insert into migrations (package, number, name, checksum)
values (%(package)s, %(number)s, %(name)s, %(checksum)s)

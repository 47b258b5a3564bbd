-- Whether any work was ever for this key.
select id from runs where key = %(key)s limit 1

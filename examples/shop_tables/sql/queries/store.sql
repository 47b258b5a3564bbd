-- A page's items by their key, together with its mark: a crash in between would hide news behind a fresh mark.
with stored as (
    insert into shop_items (id, name, price)
    select distinct on (id) id, name, price
    from jsonb_to_recordset(%(items)s::jsonb) as i (id text, name text, price numeric)
    on conflict (id) do update set name = excluded.name, price = excluded.price
)
insert into shop_pages (cursor, etag, next) values (%(cursor)s, %(etag)s, %(next)s)
on conflict (cursor) do update set etag = excluded.etag, next = excluded.next

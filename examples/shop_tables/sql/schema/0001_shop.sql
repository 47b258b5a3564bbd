-- What the shop sells, and of each page of its catalogue the mark of what was stored.
create table shop_items (
    id    text primary key,
    name  text not null,
    price numeric(10, 2) not null
);

create table shop_pages (
    cursor text primary key,
    etag   text not null,
    next   text -- the cursor of the page that follows; null after the last
);

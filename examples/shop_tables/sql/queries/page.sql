-- What is known of a page.
select etag, next from shop_pages where cursor = %(cursor)s

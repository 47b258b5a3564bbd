-- concurrently: statement by statement, beside live workers. What follows may run again after it was cut off.

-- What stays of an error without what differs between two jobs that failed for the same cause: the path of an address, a name
-- in “quotes”, and each word with a digit, which is a number or an id. A status code stays, for 404 and 503 are two causes.
-- 300 characters are enough, and keep a page fast.
create or replace function error_shape(error text) returns text language sql immutable parallel safe
    return regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
        translate(left(error, 300), '_', ' '),
        '\s+', ' ', 'g'),
        '(https?://[^/\s]+)/\S*', '\1/', 'g'),
        '“[^”]*”', '“”', 'g'),
        '\m(HTTP(?:/[0-9.]+)?|status|code|answer|answers|answered|returned|error|got)(\W{1,3})([1-5])([0-9]{2})\M',
        '\1\2\3_\4', 'gi'),
        '\m([1-5])([0-9]{2})(?= [A-Z][a-z])', '\1_\2', 'g'),
        '\m[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\M|\m[A-Za-z]*[0-9][A-Za-z0-9]*\M', '#', 'g'),
        '#([-+.,:/ ]{0,2}#)+', '#', 'g');

-- The name of a group: 12 digits that people can type.
create or replace function failure_group(pipeline text, step text, error text) returns text
    language sql immutable parallel safe
    return left(md5(pipeline || '/' || step || ' ' || coalesce(error_shape(error), '')), 12);

-- The failed runs of a group, however many others failed. A run is written into it when it fails for good.
create index concurrently if not exists runs_failed_alike on runs (failure_group(pipeline, step, error))
    where status = 'dead';

-- The pictures of articles, each stored once by the hash of its bytes. A draft names them by that hash; cards are not
-- here, for they are drawn when an article is published. WebP does not compress further.
create table pictures (
    sha256     text primary key,
    media_type text not null,
    data       bytea not null,
    width      integer not null,
    height     integer not null,
    kept_at    timestamptz not null default ledger_now()
);
alter table pictures alter column data set storage external;

create index pictures_kept_at on pictures (kept_at);

-- Which article got which picture, and as what its draft names it: for the choice of the next one, and so that what was
-- paid for serves again when the article is written again. `job_id` is the job that chose it, or did last.
create table article_pictures (
    site      text not null,
    slug      text not null,
    picture   text not null references pictures,
    origin    text not null,
    image     jsonb not null,
    job_id    text not null,
    chosen_at timestamptz not null default ledger_now(),
    primary key (site, slug, picture)
);

create index article_pictures_picture on article_pictures (picture);
create index article_pictures_chosen on article_pictures (site, chosen_at);

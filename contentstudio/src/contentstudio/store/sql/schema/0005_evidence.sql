-- What each claim of an article stands on: the passage of its source that says most of it, and what came of comparing
-- the two. Found once, when the claim was written, and kept for good. `claim` is its number in the article; the span is
-- in characters of the snapshot's text, null where no passage is near.
create table evidence (
    job_id      text not null,
    text_sha256 text not null,
    site        text not null,
    slug        text not null,
    claim       int not null,
    text        text not null,
    source      text not null,
    snapshot    text not null,
    url         text not null,
    span_start  int,
    span_end    int,
    passage     text,
    similarity  double precision not null,
    quoted      boolean not null,
    verdict     text not null check (verdict in ('supported', 'number_mismatch', 'not_found')),
    checked_at  timestamptz not null default ledger_now(),
    primary key (job_id, text_sha256, snapshot, quoted)
);

create index evidence_site on evidence (site);

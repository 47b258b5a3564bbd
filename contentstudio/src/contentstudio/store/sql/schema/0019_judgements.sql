-- What a judge found of the texts of an article: whether its sources say so, and by which passages. `key` is the hash of
-- the text with the part of the article that it stands in, its source and the judge's prompt: what is the same is not judged
-- again. Only verdicts that count are here: their passages stand in the snapshots that they name, word for word.
create table judgements (
    job_id      text not null,
    key         text not null,
    site        text not null,
    slug        text not null,
    text        text not null,
    ruling      text not null check (ruling in ('supported', 'contradicted', 'not_found', 'no_claim')),
    passages    jsonb not null,
    why         text not null,
    conflicts   jsonb not null,
    judge       text not null,
    judged_at   timestamptz not null default ledger_now(),
    primary key (job_id, key)
);

create index judgements_judged_at on judgements (judged_at);

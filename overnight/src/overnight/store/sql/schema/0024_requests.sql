-- What a model is asked. A call has its numbers and the hashes of its texts; a text stands once for a run, because the calls of
-- a step share most of what they send. Texts go with the payloads of their run.
create table llm_texts (
    run_id bigint not null,
    sha256 bytea not null,
    text   text not null,
    primary key (run_id, sha256)
);

alter table llm_calls add column request jsonb;

-- Every call of a language model: the cache, the bill and the evidence.
create table llm_calls (
    id            bigint generated always as identity primary key,
    run_id        bigint,
    job_id        text not null,
    step          text not null,
    pipeline      text not null,
    key           text not null,
    attempt       integer not null,
    provider      text not null,
    model         text not null,
    request_hash  text not null,
    status        text not null check (status in ('started', 'stored', 'failed', 'cached')),
    answer        text,
    stop_reason   text,
    input_tokens  integer not null default 0,
    output_tokens integer not null default 0,
    cost_usd      numeric(14, 6) not null default 0,
    error_kind    text,
    error         text,
    started_at    timestamptz not null default ledger_now(),
    finished_at   timestamptz
);

create index llm_calls_answer on llm_calls (request_hash) where status = 'stored';
create index llm_calls_run on llm_calls (run_id);
create index llm_calls_started on llm_calls (started_at);

-- concurrently: statement by statement, beside live workers. What follows may run again after it was cut off.

-- Calls that go by the batch API of a provider. The row is written before anything is sent: one that stays `sending` was cut
-- off, and the provider is asked whether it has the batch.
create table if not exists llm_batches (
    id         bigint generated always as identity primary key,
    provider   text not null,
    mark       text not null unique, -- sent along, where the provider keeps such a thing
    batch      text,                 -- the provider's id
    status     text not null default 'sending' check (status in ('sending', 'sent', 'ended')),
    created_at timestamptz not null default ledger_now(),
    look_at    timestamptz not null, -- when to ask the provider again
    ended_at   timestamptz,
    error      text
);
create index concurrently if not exists llm_batches_open on llm_batches (provider, look_at) where status <> 'ended';

-- The batch that a call goes by. While the batch is under way the call is `started`, and its run waits.
alter table llm_calls add column if not exists batch_id bigint;
create index concurrently if not exists llm_calls_batch on llm_calls (batch_id) where batch_id is not null;
create index concurrently if not exists llm_calls_batched on llm_calls (request_hash) where batch_id is not null;

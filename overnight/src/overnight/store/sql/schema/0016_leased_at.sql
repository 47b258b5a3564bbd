-- When a lease was given or renewed, by the clock that it runs out by: one that was given in the future shows that this clock
-- has stepped back since.
alter table runs add column if not exists leased_at timestamptz;

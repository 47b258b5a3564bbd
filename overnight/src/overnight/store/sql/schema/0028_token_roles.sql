-- Tokens have the roles of sessions; apart from those, for a migration locks one table.
alter table console_tokens
    drop constraint console_tokens_role_check,
    add constraint console_tokens_role_check check (role in ('view', 'edit', 'operate'));

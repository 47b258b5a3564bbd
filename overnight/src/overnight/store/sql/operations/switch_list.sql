select scope, enabled, reason, changed_by, changed_at from switches order by enabled, scope

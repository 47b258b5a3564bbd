-- What makes the hot statements cheap. The two transitions that every step makes are compared with constants; whatever else
-- happens to a run is looked up in `transitions` as before. (A test proves that both stand there.)
drop trigger runs_guard on runs;
create trigger runs_guard before update of status, input_hash, pipeline on runs
    for each row when ((old.status <> new.status
                        and not (old.status = 'queued' and new.status = 'running')
                        and not (old.status = 'running' and new.status = 'succeeded'))
                       or old.pipeline <> new.pipeline
                       or old.input_hash is distinct from new.input_hash)
    execute function runs_guard();

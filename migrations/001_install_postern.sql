-- Release 0.1: everything is in the schema postern.
{{ install_snapshot "001" }}

---- create above / drop below ----

-- Event triggers are not in a schema: those that call functions of ours go first.
do $$
declare
  name name;
begin
  for name in
    select t.evtname
    from pg_catalog.pg_event_trigger as t
    join pg_catalog.pg_proc as p on p.oid = t.evtfoid
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    where n.nspname = 'postern'
  loop
    execute pg_catalog.format('drop event trigger %I', name);
  end loop;
end
$$;
drop schema if exists postern cascade;

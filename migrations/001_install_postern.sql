-- Release 0.1: everything is in the schema postern, this table of tern's too. It has no key, so a publication for all tables
-- needs to be told what identifies its row.
alter table if exists postern.schema_version replica identity full;
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

-- All but the table in which tern is about to write how far the database is.
alter schema postern rename to postern_removed;
create schema postern;
alter table if exists postern_removed.schema_version set schema postern;
drop schema postern_removed cascade;

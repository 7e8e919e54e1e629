-- The epoch: by what DDL changes, so that no session runs a statement compiled before the DDL. It is the values of eight functions,
-- the slots. A compiled statement compares them with those it was compiled at, which costs nothing: the planner folds the comparison
-- into a constant, and the plan cache plans a statement anew when a function that it names has changed. So the epoch is transactional
-- like any DDL, on standbys too. Each transaction that runs DDL holds a slot of its own: none waits for another's.

do $$
begin
  for number in 0 .. 7 loop
    if to_regprocedure(format('postern.slot_%s()', number)) is null then
      execute format('create function postern.slot_%s() returns text language plpgsql immutable parallel safe as %L', number, 'begin return ''first''; end');
      execute format('comment on function postern.slot_%s() is %L', number, 'A part of the epoch: a value that DDL replaces.');
    end if;
  end loop;
end
$$;

create or replace function postern.epoch()
returns text
language sql stable parallel safe
as $$
  select pg_catalog.string_agg(pg_catalog.substring(prosrc, '''(.*)'''), ',' order by proname)
  from pg_catalog.pg_proc
  where pronamespace = 'postern'::pg_catalog.regnamespace and proname = any('{slot_0,slot_1,slot_2,slot_3,slot_4,slot_5,slot_6,slot_7}'::name[])
$$;
comment on function postern.epoch() is
  'The values of the slots in the snapshot of the calling statement: what is read from the catalog with that snapshot is no older.';

create or replace function postern.render_epoch()
returns text
language sql immutable parallel safe
as $$
  select 'postern.slot_0() || '','' || postern.slot_1() || '','' || postern.slot_2() || '','' || postern.slot_3() || '','' || postern.slot_4() || '','' || postern.slot_5() || '','' || postern.slot_6() || '','' || postern.slot_7()'::text
$$;
comment on function postern.render_epoch() is
  'SQL of the epoch when a statement is planned. The statement must name each slot itself, or the plan cache would not know that it depends on them.';

create or replace function postern.advance_epoch()
returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  number int := 0;
begin
  while number < 8 and not pg_try_advisory_xact_lock(hashtext('postern.slot'), number) loop
    number := number + 1;
  end loop;
  if number = 8 then
    number := pg_backend_pid() % 8;
    perform pg_advisory_xact_lock(hashtext('postern.slot'), number);
  end if;
  execute format('create or replace function postern.slot_%s() returns text language plpgsql immutable parallel safe as %L',
    number, format('begin return %L; end', gen_random_uuid()));
exception when others then
  raise warning 'postern: the epoch could not be advanced (%): send NOTIFY pgrst after this DDL', sqlerrm;
end
$$;
comment on function postern.advance_epoch() is
  'Makes every session compile anew once this transaction has committed. Never fails; waits only where eight other transactions have run DDL and are still open. Security definer, as whoever runs DDL has no rights on the slots.';

create or replace function postern.on_ddl()
returns event_trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_tag in ('REFRESH MATERIALIZED VIEW', 'ALTER DEFAULT PRIVILEGES')
    or tg_event = 'ddl_command_end' and not exists (
      select from pg_event_trigger_ddl_commands()
      where not in_extension and schema_name is distinct from 'pg_temp' and coalesce(object_identity, '') !~ '^postern[.]slot_[0-7][(][)]$')
    or tg_event = 'sql_drop' and not exists (
      select from pg_event_trigger_dropped_objects() where not is_temporary)
  then
    return;
  end if;
  perform postern.advance_epoch();
end
$$;
comment on function postern.on_ddl() is
  'Event trigger of ddl_command_end and sql_drop: advances the epoch unless only temporary objects changed, or a slot. What the script of an extension does is left to the command that runs it: no script may replace a slot.';

do $$
begin
  drop event trigger if exists postern_ddl_command_end;
  drop event trigger if exists postern_sql_drop;
  create event trigger postern_ddl_command_end on ddl_command_end execute function postern.on_ddl();
  create event trigger postern_sql_drop on sql_drop execute function postern.on_ddl();
exception when insufficient_privilege then
  raise notice 'postern: this role may not create event triggers; after DDL send NOTIFY pgrst (or SIGUSR1 to the shell)';
end
$$;

create or replace function postern.live()
returns boolean
language sql stable parallel safe
as $$
  select count(*) = 2 from pg_event_trigger
  where evtname in ('postern_ddl_command_end', 'postern_sql_drop') and evtenabled <> 'D'
$$;
comment on function postern.live() is
  'Whether event triggers watch the DDL. If not, NOTIFY pgrst or SIGUSR1 must tell the shell of changes.';

revoke execute on function postern.advance_epoch() from public;

-- The epoch: by what DDL changes, so that nobody runs a statement compiled before the DDL. It is the names of the
-- constraints of a domain, postern.slots. A transaction that runs DDL renames one that nobody else is renaming (an
-- advisory lock tells) or, where there is none, adds one: it waits for nobody, and what it did is seen when it
-- commits, on standbys too. A compiled statement compares the epoch with that which it was compiled at, which costs
-- nothing: the planner folds the comparison into a constant. So that the plan is not kept after DDL, it depends on
-- another domain, postern.pulse, which has no constraint and which ALTER DOMAIN DROP CONSTRAINT IF EXISTS invalidates
-- without writing (the planner notes the domains whose checks it leaves out, and only those).

do $$
begin
  if pg_catalog.to_regtype('postern.slots') is null then
    create domain postern.slots as pg_catalog.text;
    create domain postern.pulse as pg_catalog.text;
    grant usage on domain postern.slots, postern.pulse to public;
  end if;
end
$$;
comment on domain postern.slots is
$$The epoch, as names of constraints: a number of its own each, which the constraint looks for in the value, and one
that DDL replaces.$$;
comment on domain postern.pulse is
  'What the plan of a compiled statement depends on: DDL invalidates it, and it has no constraint.';

create or replace function postern.epoch()
returns text
language plpgsql stable parallel restricted
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(current_setting('postern.advanced', true), '') <> '' then -- as in planned_epoch
    perform set_config('postern.advanced', '', true);
  end if;
  return (
    select coalesce(string_agg(c.conname, ' ' order by c.conname), '')
    from pg_constraint as c
    where c.contypid = 'postern.slots'::regtype);
end
$$;
comment on function postern.epoch() is
  'The epoch in the snapshot of the calling statement: what is read from the catalog with that snapshot is no older. '
  'Out: the names of the slots'' constraints, sorted, with blanks between; empty before any DDL. Raises nothing.';

create or replace function postern.planned_epoch(pulse postern.pulse)
returns text
language plpgsql immutable parallel restricted
as $$
declare
  known pg_catalog.text := pulse::pg_catalog.text;
  name pg_catalog.text;
begin
  -- Further DDL of this transaction advances the epoch again: what was compiled in between is older than that DDL.
  if coalesce(pg_catalog.current_setting('postern.advanced', true), '') operator(pg_catalog.<>) '' then
    perform pg_catalog.set_config('postern.advanced', '', true);
  end if;
  loop
    begin
      perform from (values (known)) as v (known) where v.known::postern.slots is null;
      exit;
    exception when check_violation then
      get stacked diagnostics name = constraint_name;
      exit when pg_catalog.strpos(known, name) operator(pg_catalog.>) 0; -- somebody else's constraint
      known := pg_catalog.ltrim(pg_catalog.concat(known, ' ', name));
    end;
  end loop;
  return known;
end
$$;
comment on function postern.planned_epoch(postern.pulse) is
$$The epoch when a statement is planned, whatever its snapshot: checks of a domain are the newest there are, and the
first that fails tells its name. In: pulse: the empty text as a constant, for the plan to depend on, which alone makes
this immutable. Out: as of postern.epoch. Raises nothing.$$;

create or replace function postern.advance_epoch()
returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set client_min_messages = warning
as $$
declare
  fresh text := replace(gen_random_uuid()::text, '-', '');
  slot record;
  taken boolean := false;
begin
  if current_setting('postern.advanced', true) = pg_current_xact_id()::text then
    return;
  end if;
  perform set_config('postern.advanced', pg_current_xact_id()::text, true);
  for slot in select oid, conname from pg_constraint where contypid = 'postern.slots'::regtype loop
    continue when not pg_try_advisory_xact_lock(hashtext('postern.slots'), slot.oid::int);
    begin
      if taken then
        execute format('alter domain postern.slots drop constraint %I', slot.conname);
      else
        execute format('alter domain postern.slots rename constraint %I to %I', slot.conname,
          overlay(slot.conname placing fresh from 18));
        taken := true;
      end if;
    exception when others then -- another transaction has had it since the snapshot of this one
      null;
    end;
  end loop;
  if not taken then
    execute format('alter domain postern.slots add constraint %I check (strpos(value, %L) > 0) not valid',
      right(fresh, 16) || ' ' || fresh, right(fresh, 16));
  end if;
  alter domain postern.pulse drop constraint if exists nothing;
exception when others then
  raise warning 'postern: the epoch could not be advanced (%): send NOTIFY pgrst after this DDL', sqlerrm;
end
$$;
comment on function postern.advance_epoch() is
$$Makes everybody compile anew once this transaction has committed: renames a slot that is free, drops those beyond,
adds one where none is. Once is enough for a transaction, until it reads the epoch itself. Never waits. Raises nothing,
but warns where it cannot. Security definer, as whoever runs DDL does not own the slots.$$;

create or replace function postern.on_ddl()
returns event_trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  ours constant text := '(^| on )postern[.](slots|pulse)$';
begin
  if tg_tag in ('REFRESH MATERIALIZED VIEW', 'ALTER DEFAULT PRIVILEGES')
    or tg_event = 'ddl_command_end' and not exists (
      select from pg_event_trigger_ddl_commands()
      where not in_extension and schema_name is distinct from 'pg_temp' and coalesce(object_identity, '') !~ ours)
    or tg_event = 'sql_drop' and not exists (
      select from pg_event_trigger_dropped_objects() -- the rule of a temporary view does not count as temporary
      where not is_temporary and address_names[1] is distinct from 'pg_temp' and object_identity !~ ours)
  then
    return;
  end if;
  perform postern.advance_epoch();
end
$$;
comment on function postern.on_ddl() is
$$Event trigger of ddl_command_end and sql_drop: advances the epoch unless only temporary objects changed, or a slot.
What the script of an extension creates is left to the command that runs it. Raises nothing.$$;

create or replace function postern.watch_ddl()
returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  event text;
  trigger text;
begin
  foreach event in array array['ddl_command_end', 'sql_drop'] loop
    trigger := 'postern_' || event;
    if not exists (select from pg_event_trigger where evtname = trigger) then
      execute format('create event trigger %I on %s execute function postern.on_ddl()', trigger, event);
    end if;
    if not exists (select from pg_event_trigger where evtname = trigger and evtenabled = 'A') then
      execute format('alter event trigger %I enable always', trigger); -- where session_replication_role is replica, too
    end if;
  end loop;
  return true;
exception when insufficient_privilege then
  raise notice 'postern: this role may not create event triggers; %',
    'after DDL send NOTIFY pgrst (or SIGUSR1 to the shell)';
  return false;
end
$$;
comment on function postern.watch_ddl() is
$$Creates the event triggers that advance the epoch, where they are missing. Out: whether they are there; a role that
may not create them gets a notice. Raises nothing.$$;

create or replace function postern.live()
returns boolean
language sql stable parallel safe
as $$
  select pg_catalog.count(*) operator(pg_catalog.=) 2 from pg_catalog.pg_event_trigger
  where evtname operator(pg_catalog.=) any ('{postern_ddl_command_end,postern_sql_drop}')
    and evtenabled operator(pg_catalog.=) any ('{O,A}')
$$;
comment on function postern.live() is
  'Whether event triggers watch the DDL. Out: true or false; if false, NOTIFY pgrst or SIGUSR1 must tell the shell of '
  'changes. Raises nothing.';

revoke execute on function postern.advance_epoch() from public;

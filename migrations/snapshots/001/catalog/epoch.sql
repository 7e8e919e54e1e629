-- The epoch: a number that is part of every shape and that DDL changes, so that no session runs a statement compiled before the
-- DDL. It is transactional (seen by others when the DDL commits, and not before) and no DDL waits for another's.

create table if not exists postern.epoch (n bigint not null);
comment on table postern.epoch is
  'The epoch is sum(n). Every DDL command merges the rows that nobody else holds into one, and adds one.';
grant select on postern.epoch to public;
insert into postern.epoch select 1 where not exists (select from postern.epoch);

create or replace function postern.advance_epoch()
returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  begin
    with merged as (
      delete from postern.epoch
      where ctid = any(array(select ctid from postern.epoch for update skip locked))
      returning n)
    insert into postern.epoch select coalesce(sum(n), 0) + 1 from merged;
  exception when others then
    insert into postern.epoch values (1);
  end;
exception when others then
  raise warning 'postern: the epoch could not be advanced (%): send NOTIFY pgrst after this DDL', sqlerrm;
end
$$;
comment on function postern.advance_epoch() is
  'Makes every session compile anew once this transaction has committed. Never waits, never fails. Security definer, as whoever runs DDL has no rights on postern.epoch.';

create or replace function postern.on_ddl()
returns event_trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_tag in ('REFRESH MATERIALIZED VIEW', 'ALTER DEFAULT PRIVILEGES')
    or tg_event = 'ddl_command_end' and not exists (
      select from pg_event_trigger_ddl_commands() where schema_name is distinct from 'pg_temp')
    or tg_event = 'sql_drop' and not exists (
      select from pg_event_trigger_dropped_objects() where not is_temporary)
  then
    return;
  end if;
  perform postern.advance_epoch();
end
$$;
comment on function postern.on_ddl() is
  'Event trigger of ddl_command_end and sql_drop: advances the epoch unless only temporary objects changed.';

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

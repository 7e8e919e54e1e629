-- A new connection's first steps, done before a request has to wait for them.

create or replace function postern.warm(settings text)
returns void
language plpgsql volatile
as $$
declare
  config jsonb := postern.settings(settings);
  home oid := (select oid from pg_namespace where nspname = config -> 'db_schemas' ->> 0);
  known record;
begin
  select target.relname, format(',%1$s!%2$s(*,%3$s!%2$s(*))', postern.quoted_name(origin.relname), postern.quoted_name(key.conname), postern.quoted_name(target.relname)) as embed
    into known
  from (select conname, conrelid, confrelid from pg_constraint where contype = 'f' and conrelid <> confrelid limit 1000) as key
  join pg_class as origin on origin.oid = key.conrelid and origin.relnamespace = home and not origin.relispartition
  join pg_class as target on target.oid = key.confrelid and target.relnamespace = home
  limit 1;
  if not found then
    select relname, '' as embed into known from pg_class where relnamespace = home and relkind in ('r', 'v', 'p') limit 1;
  end if;
  perform postern.handle(jsonb_build_object('method', 'GET', 'path', '/' || postern.percent_encode(coalesce(known.relname, '')),
    'query', concat('select=*', postern.percent_encode(known.embed), '&order=postern_warms_up&limit=1&postern_warms_up=in.(1)'), 'headers', '{}'::jsonb), null, settings);
end
$$;
comment on function postern.warm(text) is
  'Compiles the functions that a read passes through, by a read with embeds that fails before it touches a row. settings: as for postern.handle. For a new connection.';

create or replace function postern.quoted_name(name text)
returns text
language sql immutable strict parallel safe
as $$
  select '"' || replace(replace(name, '\', '\\'), '"', '\"') || '"'
$$;
comment on function postern.quoted_name(text) is 'A name as the grammar of select has it in quotes.';

-- A new connection's first steps, done before a request has to wait for them.

create or replace function postern.warm(settings text)
returns void
language plpgsql volatile
as $$
declare
  config jsonb := postern.settings(settings);
  relation text := (
    select c.relname::text
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = config -> 'db_schemas' ->> 0 and c.relkind in ('r', 'v', 'p')
    limit 1);
begin
  perform postern.handle(jsonb_build_object('method', 'GET', 'path', '/' || postern.percent_encode(coalesce(relation, '')),
    'query', 'select=*&order=postern_warms_up&limit=1&postern_warms_up=in.(1)', 'headers', '{}'::jsonb), null, settings);
end
$$;
comment on function postern.warm(text) is
  'Compiles the functions that a read passes through, by a read that fails before it touches a row. settings: as for postern.handle. For a new connection.';

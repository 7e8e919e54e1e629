-- Media type handlers: aggregates and functions that return a domain named as a media type.

create or replace function postern.media_handlers(
  schemas text[], relation_name text, relation_schema text, accepted text[] default null)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  domains pg_catalog.oid[] := postern.media_domains(accepted);
  row_type pg_catalog.oid;
  users pg_catalog.oid[];
begin
  if domains = '{}' then
    return jsonb '[]';
  end if;
  row_type := (
    select c.reltype
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relname = relation_name
       and n.nspname = relation_schema
       and c.relkind in ('r', 'v', 'm', 'f', 'p'));
  users := postern.dependents(domains, 'pg_type', 'pg_proc');
  return (
    select coalesce(
      pg_catalog.jsonb_agg(
        pg_catalog.jsonb_build_object(
          'media', pg_catalog.lower(t.typname),
          'resolved', case t.typname when '*/*' then 'application/octet-stream' else t.typname::text end,
          'domain', pg_catalog.format('%I.%I', tn.nspname, t.typname),
          'kind', case p.prokind when 'a' then 'aggregate' else 'function' end,
          'any', p.prokind = 'a' and p.proargtypes[0] = 'anyelement'::regtype,
          'schema', pn.nspname,
          'name', p.proname)
        order by t.typname collate "C", pn.nspname collate "C", p.proname collate "C"),
      '[]')
      from pg_catalog.pg_type t
      join pg_catalog.pg_namespace tn on tn.oid = t.typnamespace
      join pg_catalog.pg_proc p on p.prorettype = t.oid
      join pg_catalog.pg_namespace pn on pn.oid = p.pronamespace
     where t.oid = any (domains)
       and p.oid = any (users)
       and pn.nspname = any (schemas)
       and (p.prokind = 'a'
              and p.pronargs = 1
              and p.proargtypes[0] in (row_type, 'anyelement'::regtype)
            or p.prokind = 'f'
              and not p.proretset
              and p.proname = relation_name
              and pn.nspname = relation_schema));
end
$$;
comment on function postern.media_handlers(text[], text, text, text[]) is
$$What makes other media types of a relation's rows or of a routine's value. In: the exposed schemas, where handlers
are; name and schema of the relation, or of a routine that returns a scalar; optionally the media types of interest in
lower case (then only domains so named, and "*/*", are looked up, by index; without it all types are read). Out: an
array of {"media" (lower case; "*/*" for any), "resolved" (the one to answer with), "domain" (qualified, quoted),
"kind": "aggregate" over the row type or over anyelement ("any"), or "function" (the routine itself returns the domain),
"schema", "name" of the handler}. Raises nothing. Source: docs/references/api/media_type_handlers.rst of PostgREST.$$;

create or replace function postern.geojson_function()
returns text
language plpgsql stable parallel safe
as $$
begin
  return pg_catalog.format('%I.st_asgeojson', coalesce((
    select n.nspname
      from pg_catalog.pg_extension e
      join pg_catalog.pg_namespace n on n.oid = e.extnamespace
     where e.extname = 'postgis'), 'pg_catalog'));
end
$$;
comment on function postern.geojson_function() is
$$What makes GeoJSON of a row: the function of PostGIS, wherever that is installed, and no other of its name. In:
nothing. Out: its qualified name; that of a function which does not exist where there is no PostGIS. Raises nothing.$$;

create or replace function postern.media_domains(accepted text[])
returns oid[]
language plpgsql stable parallel safe
as $$
begin
  if accepted is null then
    return array(
      select t.oid
        from pg_catalog.pg_type t
       where t.typtype = 'd'
         and (t.typname = '*/*' or t.typname ~ '^[A-Za-z0-9.-]+/[A-Za-z0-9.+-]+$'));
  end if;
  return array(
    select t.oid
      from pg_catalog.pg_type t
     where t.typname = any (accepted || '*/*'::text)
       and t.typtype = 'd');
end
$$;
comment on function postern.media_domains(text[]) is
$$The domains named as media types. In: names, or null for all. Out: oids of the domains of these names and of "*/*", or
of all domains named like a media type. Raises nothing.$$;

-- Routines by name, with all their overloads.

create or replace function postern.find_routines(schema text, name text)
returns jsonb
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select coalesce(
      pg_catalog.jsonb_agg(
        pg_catalog.jsonb_build_object(
          'oid', p.oid::bigint,
          'schema', n.nspname,
          'name', p.proname,
          'args', coalesce(input.args, '[]'),
          'returns', pg_catalog.jsonb_build_object(
            'schema', base_schema.nspname,
            'name', coalesce(row_type.relname, base.typname),
            'type', pg_catalog.format_type(p.prorettype, null),
            'relation_oid', nullif(base.typrelid, 0)::bigint,
            'set', p.proretset,
            'composite', base.typtype = 'c' or coalesce(p.proargmodes && '{t,b,o}'::"char"[], false),
            'domain', base.oid <> p.prorettype,
            'void', base.oid = 'void'::regtype),
          'volatility', p.provolatile,
          'variadic', p.provariadic <> 0,
          'settings', coalesce(
            (select pg_catalog.jsonb_object_agg(
                      pg_catalog.substr(s.line, 1, pg_catalog.strpos(s.line, '=') - 1),
                      pg_catalog.substr(s.line, pg_catalog.strpos(s.line, '=') + 1))
               from pg_catalog.unnest(p.proconfig) as s (line)),
            '{}'))
        order by p.pronargs,
                 pg_catalog.obj_description(p.oid, 'pg_proc') collate "C" nulls first,
                 input.signature collate "C"),
      '[]')
      from pg_catalog.pg_proc p
      join pg_catalog.pg_namespace n on n.oid = p.pronamespace
      join pg_catalog.pg_type returned on returned.oid = p.prorettype
      join pg_catalog.pg_type base
        on base.oid = case when returned.typtype = 'd' then postern.base_type(returned.oid) else returned.oid end
      join pg_catalog.pg_namespace base_schema on base_schema.oid = base.typnamespace
      left join pg_catalog.pg_class row_type on row_type.oid = base.typrelid
     cross join lateral (
       select pg_catalog.jsonb_agg(
                pg_catalog.jsonb_build_object(
                  'name', arg.name,
                  'type', arg.type,
                  'max_type', case arg.type_oid
                    when 'bit'::regtype then 'bit varying' when 'bit[]'::regtype then 'bit varying[]'
                    when 'character'::regtype then 'character varying'
                    when 'character[]'::regtype then 'character varying[]' else arg.type end,
                  'required', arg.place <= p.pronargs - p.pronargdefaults,
                  'variadic', arg.mode = 'v')
                order by arg.place) as args,
              pg_catalog.array_agg(arg.name || e'\1' || arg.type order by arg.place) as signature,
              pg_catalog.count(*) filter (where arg.name = '') as unnamed
         from (select coalesce(declared.name, '') as name, declared.type_oid,
                      pg_catalog.format_type(declared.type_oid, null) as type,
                      coalesce(declared.mode, 'i') as mode,
                      pg_catalog.row_number() over (order by declared.ordinality) as place
                 from rows from (pg_catalog.unnest(p.proargnames),
                                 pg_catalog.unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])),
                                 pg_catalog.unnest(p.proargmodes)) with ordinality
                      as declared (name, type_oid, mode, ordinality)
                where coalesce(declared.mode, 'i') in ('i', 'b', 'v')) arg
     ) input
     where p.proname = find_routines.name
       and n.nspname = find_routines.schema
       and p.prokind = 'f'
       and base.oid <> 'trigger'::regtype
       and (input.unnamed = 0
            or input.unnamed = 1
               and p.proargtypes[0] in ('bytea'::regtype, 'json'::regtype, 'jsonb'::regtype,
                                        'text'::regtype, 'xml'::regtype)));
end
$$;
comment on function postern.find_routines(text, text) is
$$All overloads of a routine that can be called by name over HTTP: functions, not trigger functions, with at most one
unnamed argument, and then the first one being bytea, json, jsonb, text or xml. In: schema and name, unquoted. Out: an
array, fewest arguments first, of {"oid", "schema", "name",
"args": [{"name" ("" if unnamed), "type", "max_type" (the type without its length limit), "required", "variadic"}],
"returns": {"schema", "name" (of the type below a domain), "type", "relation_oid" (pg_class oid of a row type, or null),
"set", "composite" (also OUT and TABLE columns), "domain", "void"},
"volatility" (i, s or v), "variadic", "settings" (name to value, of SET clauses)}.
Types outside pg_catalog are schema-qualified. Raises nothing. Source: pg_proc.$$;

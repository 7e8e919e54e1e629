-- The routines that a description of the API is about.

create or replace function postern.described_routines(schema text, everything boolean)
returns table (
  oid oid, name text, description text, volatility "char", unnamed boolean, repeats boolean, names text[], types oid[],
  required int, standards text[], returned oid, returned_set boolean, out_names text[], out_types oid[])
language plpgsql stable strict parallel safe
as $$
declare
  namespace pg_catalog.oid := (select n.oid from pg_catalog.pg_namespace n where n.nspname = described_routines.schema);
begin
  return query
  select p.oid, p.proname::text, comment.description, p.provolatile, p.pronargs = 1 and input.unnamed = 1,
         p.provariadic <> 0, input.names, input.types, (p.pronargs - p.pronargdefaults)::int, input.standards,
         p.prorettype, p.proretset, input.out_names, input.out_types
    from pg_catalog.pg_proc p
    left join pg_catalog.pg_description comment on comment.objoid = p.oid and comment.classoid = 'pg_proc'::regclass
   cross join lateral (
     select coalesce(pg_catalog.array_agg(arg.name order by arg.place) filter (where arg.goes_in), '{}') as names,
            coalesce(pg_catalog.array_agg(arg.type order by arg.place) filter (where arg.goes_in), '{}') as types,
            case when p.pronargdefaults > 0 then
              pg_catalog.array_agg(pg_catalog.pg_get_function_arg_default(p.oid, arg.place::int) order by arg.place)
                filter (where arg.goes_in) end as standards,
            pg_catalog.count(*) filter (where arg.goes_in and arg.name = '') as unnamed,
            coalesce(pg_catalog.array_agg(arg.name order by arg.place) filter (where arg.comes_out), '{}') as out_names,
            coalesce(pg_catalog.array_agg(arg.type order by arg.place) filter (where arg.comes_out), '{}') as out_types
       from (select coalesce(given.name, '') as name, given.type, given.place,
                    coalesce(given.mode, 'i') in ('i', 'b', 'v') as goes_in, given.mode in ('o', 'b', 't') as comes_out
               from rows from (
                      pg_catalog.unnest(p.proargnames),
                      pg_catalog.unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])),
                      pg_catalog.unnest(p.proargmodes)) with ordinality as given (name, type, mode, place)) arg
   ) input
   where p.pronamespace = namespace
     and p.prokind = 'f'
     and p.prorettype <> 'trigger'::regtype
     and (input.unnamed = 0
          or input.unnamed = 1
             and p.proargtypes[0] in (
               'bytea'::regtype, 'json'::regtype, 'jsonb'::regtype, 'text'::regtype, 'xml'::regtype))
     and case when p.pronamespace = namespace -- so that privileges are not looked up of all functions
           then everything or pg_catalog.has_function_privilege(p.oid, 'execute') end;
end
$$;
comment on function postern.described_routines(text, boolean) is
  'What a description says of the functions of a schema that can be called (postern.find_routines). In: the schema; '
  'everything: all, not only those that the current role may execute. Out, each overload a row, in no order: comment; '
  'provolatile; whether its one argument is unnamed and so the body itself; whether the last argument is variadic; the '
  'arguments that go in, by name ('''' for none) and type, of which the first so many are required, with the '
  'expressions of their defaults (null where none has one); what it returns; OUT and TABLE columns. Raises nothing.';

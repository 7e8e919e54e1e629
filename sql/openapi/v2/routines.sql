-- Operations on routines.

create or replace function postern.visible_type(type oid)
returns text
language plpgsql stable strict parallel unsafe
set search_path = pg_catalog, pg_temp
as $$
declare
  path constant pg_catalog.text := pg_catalog.current_setting('postern.path', true);
begin
  if path operator(pg_catalog.<>) '' then
    perform pg_catalog.set_config('search_path', pg_catalog.concat(path, ', pg_temp'), true);
  end if;
  return pg_catalog.format_type(type, null);
end
$$;
comment on function postern.visible_type(oid) is
  'The name of a type, with its schema where the search path in the setting postern.path lacks it. Raises nothing.';

create or replace function postern.openapi_argument(name text, type_name text, required boolean, repeated boolean)
returns json
language plpgsql immutable strict parallel safe
as $$
declare
  element pg_catalog.text := left(type_name, -2);
  kind pg_catalog.text := coalesce(postern.openapi_type(type_name), 'string');
begin
  if repeated then
    return json_build_object('name', name, 'in', 'query', 'required', required,
      'type', 'array', 'collectionFormat', 'multi',
      'items', json_build_object(
        'type', coalesce(postern.openapi_type(element), 'string'), 'format', postern.openapi_format(element)));
  end if;
  return json_build_object('name', name, 'in', 'query', 'required', required,
    'type', case kind when 'array' then 'string' else kind end, 'format', postern.openapi_format(type_name));
end
$$;
comment on function postern.openapi_argument(text, text, boolean, boolean) is
  'An argument of a routine as a query parameter. In: repeated: whether it is variadic: then the parameter repeats; '
  'any other array is text, in the form {...}. Out: a Parameter Object. Raises nothing.';

create or replace function postern.openapi_routine_path(
  name text, described text, volatility "char", arguments json, body json, unnamed text, complete boolean)
returns json
language plpgsql immutable parallel safe
as $$
declare
  tag pg_catalog.text := '(rpc) ' || name;
  produces constant pg_catalog.json :=
    '["application/json", "application/vnd.pgrst.object+json;nulls=stripped", '
    '"application/vnd.pgrst.object+json"]'::json;
  responses constant pg_catalog.json := '{"200": {"description": "OK"} }'::json;
  consumes pg_catalog.json := case unnamed
    when 'text' then '["text/plain"]'::json
    when 'xml' then '["text/xml"]'::json
    when 'bytea' then '["application/octet-stream"]'::json end;
begin
  return json_build_object(
    'get', case when volatility <> 'v' and complete
      then postern.openapi_operation(tag, described, arguments, responses, produces) end,
    'post', postern.openapi_operation(tag, described, json_build_array(
        json_build_object('name', 'args', 'in', 'body', 'required', true, 'schema', body),
        json_build_object('$ref', '#/parameters/preferParams')),
      responses, produces, consumes));
end
$$;
comment on function postern.openapi_routine_path(text, text, "char", json, json, text, boolean) is
  'The Path Item Object of a routine: POST, and GET unless it is volatile. In: described: its comment; arguments: '
  'Parameter Objects for GET; body: Schema Object for POST; unnamed: the type of its only argument where that has no '
  'name, which is then the body itself; complete: whether a call without that body is one. Raises nothing.';

create or replace function postern.openapi_routine_paths(schema text, everything boolean)
returns table (path text, item json)
language plpgsql stable strict parallel unsafe
as $$
begin
  return query
  select postern.openapi_path('/rpc/', routine.name),
         postern.openapi_routine_path(routine.name, routine.described, routine.volatility, routine.arguments,
           case when routine.unnamed then postern.openapi_property(routine.first_type, routine.described)
             else json_build_object('type', 'object', 'description', routine.described,
               'required', routine.required, 'properties', routine.properties) end,
           case when routine.unnamed then routine.first_type end,
           not routine.unnamed or routine.required is null)
    from (
      select distinct on (r.name)
             r.name, r.description as described, r.volatility, r.unnamed, input.first_type, input.arguments,
             input.required, input.properties
        from postern.described_routines(openapi_routine_paths.schema, everything) r
       cross join lateral (
         select json_agg(
                  postern.openapi_argument(
                    arg.name, arg.type_name, arg.place <= r.required, r.repeats and arg.place = cardinality(r.types))
                  order by arg.place) filter (where arg.name <> '') as arguments,
                json_agg(arg.name order by arg.place) filter (where arg.place <= r.required) as required,
                json_object_agg(arg.name, postern.openapi_property(arg.type_name) order by arg.place)
                  filter (where arg.name is not null) as properties,
                array_agg(arg.name || E'\x01' || arg.type_name order by arg.place) as signature,
                min(arg.type_name) filter (where arg.place = 1) as first_type
           from (select given.name, given.place,
                        case when everything then format_type(given.type, null)
                          else postern.visible_type(given.type) end as type_name
                   from unnest(r.names, r.types) with ordinality as given (name, type, place)) arg
       ) input
       order by r.name, cardinality(r.types) desc, r.description collate "C" desc nulls last,
                input.signature collate "C" desc
    ) routine
   order by routine.name collate "C";
end
$$;
comment on function postern.openapi_routine_paths(text, boolean) is
  'The paths of the functions of a schema that can be called (postern.find_routines). In: the schema; everything: all '
  'functions, not only those that the current role may execute, with types named by schema, not as on the search path. '
  'Out: each path and its Path Item Object, sorted by name. Of overloads that with the most arguments stands for all, '
  'as there is one path. Raises nothing. Source: PostgREST''s OpenAPI output.';

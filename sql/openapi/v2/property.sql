-- PostgreSQL types and values as Schema Objects.

create or replace function postern.openapi_type(type_name text)
returns text
language sql immutable parallel safe
as $$
  select case
    when type_name is null then null
    when type_name in ('smallint', 'integer', 'bigint') then 'integer'
    when type_name in ('numeric', 'real', 'double precision') then 'number'
    when type_name = 'boolean' then 'boolean'
    when type_name in ('json', 'jsonb') then null
    when right(type_name, 2) = '[]' then 'array'
    else 'string' end
$$;
comment on function postern.openapi_type(text) is
  'The JSON type in which values of a PostgreSQL type stand in a body. In: the type''s name, as of format_type. Out: '
  'integer, number, boolean, array or string; null for json and jsonb, which can be any. Raises nothing.';

create or replace function postern.openapi_format(type_name text)
returns text
language sql immutable parallel safe
as $$
  select case
    when type_name in ('smallint', 'integer') then 'int32'
    when type_name = 'bigint' then 'int64'
    else type_name end
$$;
comment on function postern.openapi_format(text) is
  'The format that goes with postern.openapi_type: OpenAPI''s for integers, else the PostgreSQL type. Raises nothing.';

create or replace function postern.openapi_property(
  type_name text, description text default null, standard json default null, labels json default null,
  length int default null)
returns json
language sql stable parallel safe
as $$
  select json_build_object(
    'description', description,
    'type', postern.openapi_type(type_name),
    'items', case when right(type_name, 2) = '[]'
      then json_build_object('type', postern.openapi_type(left(type_name, -2))) end,
    'format', postern.openapi_format(type_name),
    'enum', labels,
    'maxLength', length,
    'default', standard)
$$;
comment on function postern.openapi_property(text, text, json, json, int) is
  'The Schema Object of a column or argument. In: labels: of an enum; length: the longest text allowed. Raises '
  'nothing.';

create or replace function postern.openapi_default(type_name text, expression text)
returns json
language plpgsql immutable strict parallel safe
as $$
declare
  kind pg_catalog.text := postern.openapi_type(type_name);
  quoted pg_catalog.text[] := case when strpos(expression, '''') > 0
    then regexp_match(expression, '^(E?)''((?:[^'']|'''')*)''(?:::[^'']*)?$') end;
  value pg_catalog.text := coalesce(
    case quoted[1] when '' then replace(quoted[2], '''''', '''')
      else replace(replace(quoted[2], '''''', ''''), '\\', '\') end,
    expression);
begin
  return case
    when expression ~ '^NULL(::|$)' then null
    when kind = 'string' then to_json(value)
    when kind = 'boolean' and value in ('true', 'false')
      or kind in ('integer', 'number') and value ~ '^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$'
        then value::json end;
end
$$;
comment on function postern.openapi_default(text, text) is
  'The default of a column as JSON. In: the name of its type; expression: as of pg_get_expr. Out: what a literal '
  'means; an expression as it stands where the type is a string; else null. Raises nothing.';

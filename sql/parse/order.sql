create or replace function postern.parse_order(source text)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  tokens constant pg_catalog.text[] := postern.tokens(source, 'order');
  at int := 1;
  list pg_catalog.jsonb[] := array[]::jsonb[];
  one pg_catalog.record;
begin
  loop
    if cardinality(list) >= postern.limit_of('order terms') then
      perform postern.unexpected('order', tokens, at, format('at most %s terms', postern.limit_of('order terms')));
    end if;
    one := postern.scan_order_term(tokens, at);
    list := array_append(list, one.term);
    at := one.at;
    exit when tokens[at] is null;
    if tokens[at] <> ',' then
      perform postern.unexpected('order', tokens, at, '"," or the end');
    end if;
    at := at + 1;
  end loop;
  return to_jsonb(list);
end
$$;
comment on function postern.parse_order(text) is
  'Parses order=. In: the text, "name.desc.nullslast,data->>age,clients(name).asc". Out: array of {"name","path"?, '
  '"direction"?:"asc"|"desc","nulls"?:"first"|"last","relation"?}. Raises PGRST100, also on "". Source: PostgREST '
  'docs, references/api/tables_views.';

create or replace function postern.scan_order_term(tokens text[], inout at int, out term jsonb)
returns record
language plpgsql immutable parallel safe
as $$
declare
  field pg_catalog.record;
  relation pg_catalog.text;
  direction pg_catalog.text;
  nulls pg_catalog.text;
begin
  field := postern.scan_field('order', tokens, at);
  at := field.at;
  if tokens[at] = '(' and field.path is null then
    relation := field.name;
    field := postern.scan_field('order', tokens, at + 1);
    at := field.at;
    if tokens[at] is distinct from ')' then
      perform postern.unexpected('order', tokens, at, '")"');
    end if;
    at := at + 1;
  end if;

  if tokens[at] = '.' and tokens[at + 1] in ('asc', 'desc') then
    direction := tokens[at + 1];
    at := at + 2;
  end if;
  if tokens[at] = '.' then
    nulls := case tokens[at + 1] when 'nullsfirst' then 'first' when 'nullslast' then 'last' end;
    if nulls is null then
      perform postern.unexpected('order', tokens, at + 1,
        case when direction is null then 'asc, desc, nullsfirst or nullslast' else 'nullsfirst or nullslast' end);
    end if;
    at := at + 2;
  end if;
  term := jsonb_strip_nulls(jsonb_build_object(
    'name', field.name, 'path', field.path, 'relation', relation, 'direction', direction, 'nulls', nulls));
end
$$;
comment on function postern.scan_order_term(text[], int) is
  'Scans a term of order=. In: tokens, index. Out: index after it, the term (parse_order). Raises PGRST100.';

-- Pages that begin at a row: the order of the rows, made unique by a key, and the row as the values that they are
-- ordered by.

create or replace function postern.plan_cursor(node jsonb, columns jsonb, wish jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  relation constant pg_catalog.oid := (node ->> 'oid')::oid;
  keys constant pg_catalog.jsonb := postern.row_keys(relation);
  given constant pg_catalog.text[] := array(
    select term ->> 'name' from jsonb_array_elements(node -> 'order') as term where not term ?| '{child,path}');
  own pg_catalog.jsonb := (select coalesce(jsonb_agg(k), '[]') from jsonb_array_elements(keys) as k
    where given @> array(select jsonb_array_elements_text(k)));
  last pg_catalog.jsonb := jsonb_strip_nulls(jsonb_build_object('direction', node -> 'order' -> -1 -> 'direction'));
  terms pg_catalog.jsonb := coalesce(node -> 'order', '[]');
begin
  if node ?| '{aggregated,folds}' then
    perform postern.fail('PGRST159', 'These rows have no pages by cursor', 'Aggregates have no order of their own');
  elsif keys = '[]' then
    perform postern.fail('PGRST159', 'These rows have no pages by cursor', format('No key of ''%s'' is known: a cursor '
      'needs a primary key or a unique index on columns that are not null', node ->> 'relation'));
  end if;
  if own = '[]' then
    terms := terms || (
      select jsonb_agg(last || jsonb_build_object('name', name, 'field', postern.plan_reference(
        postern.column_map(columns), jsonb_build_object('name', name))) order by place)
      from jsonb_array_elements_text(keys -> 0) with ordinality as key(name, place)
      where name <> all(given));
  end if;
  terms := (
    select jsonb_agg(term || postern.plan_sorted(node, columns, term) order by place)
    from jsonb_array_elements(terms) with ordinality as listed(term, place));
  if length(wish ->> 'nulls') <> jsonb_array_length(terms) then
    perform postern.foreign_cursor();
  end if;
  return node || jsonb_build_object('order', terms, 'cursor', wish || jsonb_build_object(
    'signature', encode(sha256(convert_to(jsonb_build_array(node -> 'schema', node -> 'relation', (
      select jsonb_agg(term - '{field,child,nullable,operators,plain,composite,indexed}'::text[] order by place)
      from jsonb_array_elements(terms) with ordinality as listed(term, place)))::text, 'UTF8')), 'hex')));
end
$$;
comment on function postern.plan_cursor(jsonb, jsonb, jsonb) is
  'The node of the resource with a cursor, its order made unique by the first of its keys (postern.row_keys), in the '
  'direction of the last term. In: the node; its columns; wish: postern.parse_cursor. Out: the node with cursor: {way, '
  'nulls?, value? | param?: of the token, signature: which tokens are of this order} and order, its terms as of '
  'postern.plan_sorted. Raises PGRST158 for a token of more or fewer terms, 159 for aggregates and rows without a key.';

create or replace function postern.plan_sorted(node jsonb, columns jsonb, term jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  relation constant pg_catalog.oid := (node ->> 'oid')::oid;
  child constant pg_catalog.jsonb := node -> 'children' -> (term ->> 'child')::int;
  map constant pg_catalog.jsonb := postern.column_map(
    case when child is null then columns else postern.relation_columns((child ->> 'oid')::oid) end);
  field constant pg_catalog.jsonb := term -> 'field';
  wanted constant pg_catalog.text := field ->> 'name';
  type pg_catalog.oid := (map -> wanted ->> 'type_oid')::oid;
  nullable boolean := true;
  sorted pg_catalog.jsonb;
begin
  if field ? 'path' then
    type := case when field -> 'path' -> -1 ->> 'op' = '->>' then 'text'
      when type = 'json'::regtype then 'json' else 'jsonb' end::regtype;
  elsif type is null then
    type := postern.computed_type(coalesce((child ->> 'oid')::oid, relation), wanted);
  elsif child is null then
    nullable := coalesce((select s.nullable from postern.stored_columns(relation) as s where s.name = wanted), true);
  end if;
  sorted := postern.sort_type(type);
  if sorted is null then
    perform postern.fail('PGRST159', 'These rows have no pages by cursor', format(
      'The values of ''%s'' cannot be kept in a cursor', wanted));
  end if;
  return sorted || jsonb_build_object('direction', coalesce(term ->> 'direction', 'asc'), 'nullable', nullable,
    'nulls', coalesce(term ->> 'nulls', case term ->> 'direction' when 'desc' then 'first' else 'last' end),
    'indexed', child is null and not field ? 'path' and postern.is_indexed(relation, wanted));
end
$$;
comment on function postern.plan_sorted(jsonb, jsonb, jsonb) is
  'What a cursor must know of a term of order. In: the node; its columns; the term (postern.plan_order). Out: {type, '
  'operators, domain?, composite?, plain?: postern.sort_type, direction, nulls, nullable, indexed: '
  'postern.is_indexed}. Raises PGRST159 for values that no cursor can keep, 42703 where there is no such column.';

create or replace function postern.computed_type(relation oid, name text)
returns oid
language plpgsql stable strict parallel safe
as $$
declare
  types constant pg_catalog.oid[] := array(
    select distinct case when p.proretset then 'void'::regtype::oid else p.prorettype end
    from pg_class as c join pg_proc as p on p.proargtypes[0] = c.reltype and p.pronargs = 1
    where c.oid = relation and p.proname = computed_type.name);
begin
  if types = '{}' then
    raise exception using errcode = 'undefined_column',
      message = format('column %s.%s does not exist', (select relname from pg_class where oid = relation), name);
  end if;
  return case when cardinality(types) = 1 then types[1] else 'void'::regtype::oid end;
end
$$;
comment on function postern.computed_type(oid, text) is
  'The type of a computed field. In: the relation, the field''s name. Out: the type; void for a set, and where '
  'functions of that name differ. Raises 42703 where the relation has no function of that name.';

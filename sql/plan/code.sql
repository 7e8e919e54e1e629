-- What code of the user's may run in the reading of a node.

create or replace function postern.node_code(node jsonb)
returns text
language plpgsql stable strict
as $$
declare
  relation constant pg_catalog.oid := (node ->> 'oid')::oid;
  code pg_catalog.text := greatest(postern.user_code(relation, 'select'),
    case when node ? 'own_types' then postern.types_code(relation) end);
  names constant pg_catalog.text[] := case
    when node ? 'computed_names' then array(select jsonb_array_elements_text(node -> 'computed_names'))
    when node ? 'computed' then postern.computed_names(node, coalesce(node -> 'columns', '[{"name": ""}]')) end;
  child pg_catalog.jsonb;
begin
  if names <> '{}' then
    code := greatest(code, (
      select case when count(distinct p.proname) < cardinality(names)
        then 'volatile' -- polymorphic, inherited, with defaults
        else postern.function_code(array_agg(p.oid)) end
      from pg_class as c join pg_proc as p on p.proargtypes[0] = c.reltype and p.pronargs = 1
      where c.oid = relation and p.proname = any(names)));
  end if;
  if node -> 'fields' @? '$[*] ? (exists (@.set) || exists (@.cast) || exists (@.aggregate_cast))'
    or node -> 'order' @? '$[*].child'
  then
    code := greatest(code, postern.unusual_code(node));
  end if;
  for child in select c from jsonb_array_elements(node -> 'children') as c loop
    code := greatest(code, postern.node_code(child),
      postern.function_code(array[(child -> 'relationship' -> 'function' ->> 'oid')::oid]),
      postern.user_code((child -> 'relationship' -> 'junction' ->> 'oid')::oid, 'select'));
  end loop;
  return code;
end
$$;
comment on function postern.node_code(jsonb) is
  'What code of the user''s may run when a node''s rows and embeds are read: of relations, types, computed fields, '
  'relationships and casts. In: the node. Out: null, stable or volatile, as of postern.user_code. Raises nothing.';

create or replace function postern.unusual_code(node jsonb)
returns text
language plpgsql stable strict parallel safe
as $$
begin
  return case when node -> 'fields' @? '$[*].set' or exists (
      select from jsonb_array_elements(node -> 'fields') as field,
        unnest(array[field ->> 'cast', field ->> 'aggregate_cast']) as cast_to
      where cast_to is not null and coalesce(to_regtype(cast_to) >= 16384, true))
    or exists (
      select from jsonb_array_elements(node -> 'order') as term
      where term ? 'child' and not exists (
        select from pg_attribute
        where attrelid = (node -> 'children' -> (term ->> 'child')::int ->> 'oid')::oid
          and attname = term -> 'field' ->> 'name'))
    then 'volatile' end;
end
$$;
comment on function postern.unusual_code(jsonb) is
  'What code of the user''s the rarer parts of a node may run: a computed field that is a set, a cast to a type of '
  'theirs, an order by what is no column of an embed. In: the node. Out: volatile for these, or null. Raises nothing.';

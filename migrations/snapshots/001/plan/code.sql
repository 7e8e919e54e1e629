-- What code of the user's may run in the reading of a node.

create or replace function postern.node_code(node jsonb)
returns text
language plpgsql stable strict
as $$
declare
  code text := postern.user_code((node ->> 'oid')::oid, 'select');
  names constant text[] := case when node ? 'computed' then postern.computed_names(node, coalesce(node -> 'columns',
    (select jsonb_agg(item) from jsonb_each(node -> 'known') as known(name, item)), '[{"name": ""}]')) end;
  child jsonb;
begin
  if names <> '{}' then
    code := greatest(code, (
      select postern.function_code(array_agg(p.oid))
      from pg_class as c join pg_proc as p on p.proargtypes[0] = c.reltype and p.pronargs = 1
      where c.oid = (node ->> 'oid')::oid and p.proname = any(names)));
  end if;
  if jsonb_path_exists(node -> 'fields', '$[*].transform') then
    code := greatest(code, 'stable');
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
  'What code of the user''s may run when the rows of a node and of its embeds are read (postern.user_code): that of their '
  'relations, computed fields and relationships, and representations.';

-- What chooses the rows of a PATCH or DELETE beside filters on their columns: embeds, and keys in the body.

create or replace function postern.is_attribute(relation oid, name text)
returns boolean
language plpgsql stable strict parallel safe
as $$
begin
  return exists (
      select from pg_attribute as a
      where a.attrelid = relation and a.attname = is_attribute.name and not a.attisdropped)
    or exists (
      select from pg_proc as p
      where p.proname = is_attribute.name and not p.proretset and p.prokind = 'f'
        and (p.provariadic <> 0 or p.pronargs - p.pronargdefaults <= 1) and p.pronargs > 0
        and (p.proargtypes[0] in ('record'::regtype, '"any"'::regtype, 'anyelement'::regtype, 'anynonarray'::regtype,
            'anycompatible'::regtype, 'anycompatiblenonarray'::regtype)
          or exists (
            select from pg_type as t
            where t.oid = postern.base_type(p.proargtypes[0]) and t.typrelid <> 0
              and (t.typrelid = relation or exists (select from pg_inherits as i where i.inhrelid = relation)))));
end
$$;
comment on function postern.is_attribute(oid, text) is
  'Whether PostgreSQL may read relation.name as a value: a column, one of the system''s too, or in functional notation '
  'a function of a row. In: the relation, the name. Out: true also for some that it cannot read. Raises nothing.';

create or replace function postern.tests_embeds(node jsonb)
returns boolean
language plpgsql stable strict parallel safe
as $$
begin
  return node -> 'children' <> '[]' and node ? 'where' and exists (
    select
    from jsonb_path_query(node -> 'where', '$.**.exists') as place
    where not postern.is_attribute((node ->> 'oid')::oid, node -> 'children' -> place::int ->> 'label'));
end
$$;
comment on function postern.tests_embeds(jsonb) is
  'Whether a PATCH or DELETE has a null test of an embed, to PostgREST one of a column, which it refuses: where there '
  'is such a column it is one, here as there. In: the node, planned as of a read. Raises nothing.';

create or replace function postern.plan_written_rows(node jsonb, trees jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
begin
  if postern.tests_embeds(node) then
    if node ?| '{limit,offset}' then
      perform postern.fail('PGRST127', 'Feature not implemented',
        'A PATCH or DELETE with a null test of an embed takes no limit and no offset');
    end if;
    return node || '{"by_embeds": true}';
  elsif trees -> 'entries' @? '$[*] ? (@.kind == "logic" && exists (@.embed[0]))' then
    perform postern.fail('PGRST127', 'Feature not implemented',
      'A PATCH or DELETE takes no logic tree on the path of an embed',
      'With a null test of an embed, such as staff=not.is.null, the request is about the rows that a GET of it shows');
  end if;
  return node - 'where' || jsonb_strip_nulls(jsonb_build_object(
    'where', postern.plan_where(node -> 'columns', (node ->> 'oid')::oid, trees -> 'entries')));
end
$$;
comment on function postern.plan_written_rows(jsonb, jsonb) is
  'The node of a PATCH or DELETE with the conditions on its rows. In: the node, planned as of a read; trees: '
  'postern.query_trees. Out: the node with the conditions on columns in where; with a null test of an embed, with '
  'by_embeds and all that a GET has. Raises PGRST127 for a limit or offset with such a test, as more would be written '
  'than a GET shows, and without it for a logic tree on an embed: to PostgREST it is one on the rows that are written.';

create or replace function postern.shown_node(node jsonb)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
begin
  return case when node ? 'by_embeds' then node || jsonb_build_object('children', (
      select jsonb_agg(child - 'join' order by place)
      from jsonb_array_elements(node -> 'children') with ordinality as listed(child, place)))
    else node end;
end
$$;
comment on function postern.shown_node(jsonb) is
  'The node of a write as its representation is made of it. In: the node. Out: the node, without inner joins where '
  'embeds have chosen the rows, so that all of these are shown, whatever they embed now. Raises nothing.';

create or replace function postern.plan_key(relation jsonb, columns jsonb, pk text[], trees jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  key constant pg_catalog.text[] := case when not trees ? 'on_conflict' then pk
    else array(select distinct n from jsonb_array_elements_text(trees -> 'on_conflict') as n order by n) end;
  names constant pg_catalog.text[] := postern.payload_keys(trees);
  map constant pg_catalog.jsonb := postern.column_map(columns);
begin
  if trees -> 'payload' ->> 'form' = '{' then
    perform postern.fail('PGRST102', 'The body is not an array of objects');
  elsif key = '{}' then
    perform postern.fail('PGRST176', format('There is no primary key in ''%s''', relation ->> 'name'), null,
      'on_conflict names other columns that are unique');
  elsif trees ? 'on_conflict' and not postern.is_key((relation ->> 'oid')::oid, key) then
    perform postern.fail('PGRST176', format('The columns of on_conflict are not unique in ''%s''', relation ->> 'name'),
      'There is no unique index on just these columns, or only a partial one: ' || array_to_string(key, ', '));
  elsif trees -> 'payload' ->> 'form' = '[' and not key <@ names then
    perform postern.fail('PGRST175', 'The rows of the body have no key', format('Each must have: %s',
      array_to_string(key, ', ')));
  end if;
  return (
    select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('name', name,
        'builtin', case when postern.is_builtin_operator('eq', map, jsonb_build_object('name', name)) then true end,
        'collation', (
          select format('%I.%I', n.nspname, c.collname)
          from pg_attribute as a
          join pg_collation as c on c.oid = a.attcollation and not c.collisdeterministic
          join pg_namespace as n on n.oid = c.collnamespace
          where a.attrelid = (relation ->> 'oid')::oid and a.attname = name))) order by name)
    from unnest(key) as name);
end
$$;
comment on function postern.plan_key(jsonb, jsonb, text[], jsonb) is
  'The key by which the rows of a PATCH''s body find theirs: on_conflict, or the primary key. In: relation: '
  'postern.find_relation; its columns; its key; trees: postern.query_trees, with payload (postern.describe_payload). '
  'Out: [{name, builtin?: compared by PostgreSQL''s operator, collation?: one that takes different texts for equal}]. '
  'Raises PGRST102 where the body is an object, 175 where it lacks the key, 176 for no key or one not unique.';

create or replace function postern.written_defaults(node jsonb, payload jsonb)
returns jsonb
language plpgsql stable strict parallel unsafe
as $$
declare
  filled constant pg_catalog.jsonb := postern.default_expressions((node ->> 'oid')::oid, payload);
begin
  return case when node ? 'key' then (
      select coalesce(jsonb_agg(
        case when jsonb_build_array(jsonb_build_object('name', field -> 'name')) <@ (node -> 'key')
          then field - 'default' else field end order by place), '[]')
      from jsonb_array_elements(filled) with ordinality as fields(field, place))
    else filled end;
end
$$;
comment on function postern.written_defaults(jsonb, jsonb) is
  'A planned payload with its columns'' defaults (postern.default_expressions), but for the key by which rows find '
  'theirs: what has no key must be refused. In: the node; postern.plan_payload. Raises nothing.';

-- Entity tags and preconditions: what a request asks for, and what it gets.

create or replace function postern.conditions(fields jsonb, preferences jsonb, config jsonb, number int)
returns jsonb
language plpgsql immutable parallel safe
as $$
declare
  asked pg_catalog.jsonb := '{}';
  name pg_catalog.text;
begin
  foreach name in array '{if-match,if-none-match}'::text[] loop
    if not fields ? name then
      continue;
    elsif number is not null and fields ->> name = chr(1) then
      asked := asked || jsonb_build_object(replace(name, '-', '_'), jsonb_build_object('param', number));
      number := number + 1;
    else
      asked := asked || jsonb_build_object(replace(name, '-', '_'),
        jsonb_build_object('value', replace(coalesce(btrim(fields ->> name, E' \t'), ''),
          case name when 'if-match' then 'W/"' else '' end, 'W/"-')));
    end if;
  end loop;
  return case
    when asked <> '{}' then asked || jsonb_build_object('tags', true,
      'tag_values', jsonb_array_length(jsonb_path_query_array(asked, '$.*.param')))
    when preferences ? 'etag' or (config ->> 'db_etags_enabled')::boolean then '{"tags": true}'
    else '{}' end;
end
$$;
comment on function postern.conditions(jsonb, jsonb, jsonb, int) is
  'What a request has to do with entity tags, for the context. In: the headers; preferences; config: postern.settings; '
  'number: of the next placeholder, or null. Out: {if_match?, if_none_match?: {param} or {value}; tags?: the answer is '
  'to have one; tag_values?: how many of these are parameters}. A weak tag of If-Match, which takes none, is made one '
  'that there is not; the shell does so with parameters. Raises nothing.';

create or replace function postern.shown_anyway(method text)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
begin
  return case method when 'HEAD' then '{"method": "GET", "head": true}' else '{}' end;
end
$$;
comment on function postern.shown_anyway(text) is
  'How the context of a read with an entity tag changes: HEAD is a GET that ends without its body. Raises nothing.';

create or replace function postern.is_ordered(relation oid, node jsonb)
returns boolean
language plpgsql stable strict parallel safe
as $$
begin
  return not node -> 'children' @? '$[*] ? (@.relationship.to_one == false && !exists (@.empty))' and exists (
    select from postern.unique_keys(relation) as k
    where k.required and k.names <@ array(
      select term -> 'field' ->> 'name'
      from jsonb_array_elements(node -> 'order') as term
      where not term ? 'child' and not term -> 'field' ? 'path'));
end
$$;
comment on function postern.is_ordered(oid, jsonb) is
  'Whether the rows of a node are in the same order each time: they are ordered by a unique key, and no embed has rows '
  'in an order that nobody knows. In: its relation; the node. Out: true or false. Raises nothing.';

create or replace function postern.plan_validator(relation oid, node jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  version constant pg_catalog.jsonb := case when not node ?| '{aggregated,folds,limit,offset,range}'
    then postern.row_version(relation, node -> 'where') end;
begin
  return node || case
    when version is not null then jsonb_build_object('version', version)
    when not node ?| '{aggregated,folds}' and postern.is_ordered(relation, node) then '{"ordered": true}'
    else '{}'::jsonb end;
end
$$;
comment on function postern.plan_validator(oid, jsonb) is
  'The node of a read whose answer has an entity tag: with version (postern.row_version) where its filters name one '
  'row, with ordered where its rows have a total order. In: its relation; the node. Raises nothing.';

create or replace function postern.plan_precondition(
  context jsonb, relation oid, columns jsonb, node jsonb, idle boolean)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  method constant pg_catalog.text := context ->> 'method';
  wanted constant pg_catalog.text := context -> 'preferences' ->> 'return';
  refused constant pg_catalog.text := 'A precondition cannot be looked at here';
  ended constant pg_catalog.text := coalesce(context -> 'preferences' ->> 'tx', context ->> 'tx_end');
  version pg_catalog.jsonb;
begin
  if method = 'POST' then
    if context ?| '{if_match,if_none_match}' then
      perform postern.fail('PGRST156', refused, 'A POST makes rows, and takes no If-Match and no If-None-Match.');
    end if;
    return node;
  elsif context ? 'if_none_match' then
    if method <> 'PUT' or context ? 'if_match' or context -> 'if_none_match' ->> 'value' is distinct from '*' then
      perform postern.fail('PGRST156', refused,
        'A write takes no If-None-Match, but a PUT without If-Match takes If-None-Match: *.');
    end if;
    return node || '{"put": true, "creates": true}';
  end if;
  version := case when not node ? 'key' then postern.row_version(relation, node -> 'where') end;
  if context ? 'if_match' then
    if node ? 'key' then
      perform postern.fail('PGRST156', refused,
        'If-Match is about one row, and a PATCH of rows by their key takes none: send a PATCH for each, in a batch.');
    elsif version is null then
      perform postern.fail('PGRST156', refused, 'If-Match needs an eq filter on each column of a unique key, '
        'of a table or of a view that PostgreSQL can update by itself.');
    end if;
    node := node || jsonb_strip_nulls(jsonb_build_object('version', version,
      'match', jsonb_build_object(
        'tags', case when context -> 'if_match' ->> 'value' is distinct from '*' then context -> 'if_match' end,
        'idle', case when idle then true end),
      'put', case when method = 'PUT' then true end));
  end if;
  if method = 'PATCH' and version is not null and wanted in ('representation', 'headers-only')
    and not idle and ended not like 'rollback%'
  then
    node := postern.with_own_columns(node || jsonb_build_object('version', version, 'tagged', true), columns);
  end if;
  return node;
end
$$;
comment on function postern.plan_precondition(jsonb, oid, jsonb, jsonb, boolean) is
  'The node of a write with its precondition. In: the context, the relation and its columns, the node; idle: no column '
  'is written. Out: the node with match (If-Match: {tags?: {param} or {value}, none for *; idle?}) and version '
  '(postern.row_version), or creates (If-None-Match: *); put, for a PUT; and tagged, where the answer, of a PATCH '
  'about the row, is to have the new entity tag. A PUT has none, as it is for what was saved without any change (RFC '
  '9110, section 9.3.4), which nobody knows here. Raises PGRST156 where the request does not name one row.';

create or replace function postern.with_own_columns(node jsonb, columns jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
begin
  return node || jsonb_build_object('columns', columns, 'computed', true)
    || case when node -> 'children' = '[]' and not node ? 'aggregated'
      then jsonb_build_object('fields', postern.expand_star(columns, node -> 'fields', true)) else '{}' end;
end
$$;
comment on function postern.with_own_columns(jsonb, jsonb) is
  'A node with columns in place of *, which would stand for more: its source has the version, too. Raises nothing.';

-- A relation with what the request wants of it, and its embeds below it: a tree of nodes.

create or replace function postern.plan_node(context jsonb, relation jsonb, columns jsonb, items jsonb, entries jsonb, depth int, spread boolean default false)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  map jsonb := postern.column_map(columns);
  children jsonb := '[]';
  item jsonb;
  fields jsonb;
  node jsonb;
begin
  if depth = 0 then
    context := context || jsonb_build_object('root', relation -> 'name');
  end if;
  for item in select i from jsonb_array_elements(items) as i where i ->> 'type' <> 'field' loop
    children := children || jsonb_build_array(postern.plan_child(context, relation, item, depth + 1));
  end loop;
  children := postern.plan_children(context, children, entries);
  fields := coalesce((
    select jsonb_agg(postern.plan_field(map, i) order by place)
    from jsonb_array_elements(items) with ordinality as listed(i, place)
    where i ->> 'type' = 'field'), '[]');
  if not (context ->> 'aggregates')::boolean and exists (select from jsonb_array_elements(fields) as f where f ? 'aggregate') then
    perform postern.fail('PGRST123', 'Aggregate functions are not allowed', null,
      'The setting db-aggregates-enabled turns them on');
  end if;
  if depth = 0 and fields = '[]' and children = '[]' then
    fields := '[{"name": "*", "label": "*"}]';
  end if;
  perform postern.check_width(columns, fields, children);
  fields := postern.expand_star(columns, fields,
    spread or children <> '[]' or exists (select from jsonb_array_elements(fields) as f where f ? 'aggregate'));
  node := jsonb_strip_nulls(jsonb_build_object(
    'depth', depth, 'oid', relation -> 'oid', 'schema', relation -> 'schema', 'relation', relation -> 'name',
    'alias', postern.node_alias(relation ->> 'name', depth, context ->> 'root'),
    'fields', fields, 'children', children,
    'where', (
      select jsonb_agg(case entry ->> 'kind' when 'filter' then postern.plan_filter(map, entry, children)
        else postern.plan_logic(map, entry -> 'tree', children) end order by place)
      from jsonb_array_elements(entries) with ordinality as listed(entry, place)
      where entry -> 'embed' = '[]' and entry ->> 'kind' in ('filter', 'logic')),
    'order', (
      select jsonb_agg(postern.plan_order(map, term, children, relation ->> 'name') order by place)
      from jsonb_array_elements((
        select entry -> 'terms' from jsonb_array_elements(entries) as entry
        where entry -> 'embed' = '[]' and entry ->> 'kind' = 'order' limit 1)) with ordinality as terms(term, place)),
    'limit', postern.last_entry(entries, 'limit'),
    'offset', postern.last_entry(entries, 'offset'),
    'max_rows', context -> 'max_rows'));
  return jsonb_strip_nulls(node || jsonb_build_object('single', case when postern.is_single(node) then true end,
    'heap', (select true from pg_class where oid = (relation ->> 'oid')::oid and relkind in ('r', 'p', 'm')), 'ctid', postern.has_ctid((relation ->> 'oid')::oid), 'columns', case when depth = 0 then columns end, 'known', case
    when depth > 0 then (select jsonb_object_agg(f ->> 'name', map -> (f ->> 'name')) from jsonb_array_elements(fields) as f where map ? (f ->> 'name')) end, 'computed', case
    when columns = '[]' or jsonb_path_exists(fields, '$[*].transform') or postern.computed_names(node, columns) <> '{}' then true end));
end
$$;
comment on function postern.plan_node(jsonb, jsonb, jsonb, jsonb, jsonb, int, boolean) is
  'The node of a relation: {depth, oid, schema, relation, alias, fields, children, where, order, limit, offset, max_rows, computed: more than columns is named; of the root also columns, of others known: those columns that fields name}. context: {schema, schemas, legacy, max_rows}; columns: of the relation; items: its part of select; entries: filters, logic trees, orders and ranges with embed paths relative to it. spread: it is one. PGRST108, 118, 123, 200, 201.';

create or replace function postern.has_ctid(relation oid)
returns boolean
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select true from pg_class as c
    where c.oid = relation and c.relkind in ('r', 'p', 'm')
      and not exists (select from pg_attribute as a where a.attrelid = relation and a.attacl is not null));
end
$$;
comment on function postern.has_ctid(oid) is
  'Whether rows of a relation may be ordered by ctid: it has one, and is not granted by columns, as no such grant is for ctid; else null. Raises nothing.';

create or replace function postern.node_alias(name text, depth int, root text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  if depth = 0 then
    return name;
  elsif octet_length(name) > 60 or name || '_' || depth = root then
    return 'relation$' || depth;
  end if;
  return name || '_' || depth;
end
$$;
comment on function postern.node_alias(text, int, text) is
  'The alias of a node''s relation in SQL: its name, and below the root its depth, where no other alias of the request can be the same: not the root''s, and not cut to the 63 bytes of an identifier. In: the relation''s name, depth, name of the root''s relation. Raises nothing.';

create or replace function postern.check_width(columns jsonb, fields jsonb, children jsonb)
returns void
language plpgsql immutable strict parallel safe
as $$
declare
  most constant int := postern.limit_of('select items');
  width bigint := (
    select count(*) + (jsonb_array_length(columns) - 1) * count(*) filter (where field ->> 'name' = '*' and not field ? 'aggregate')
    from jsonb_array_elements(fields) as field);
begin
  if width + jsonb_array_length(children) < most and not children @> '[{"spread": true}]' then
    return;
  end if;
  width := width + (
    select coalesce(sum(case when child ? 'spread' then jsonb_array_length(postern.node_outputs(child)) else 1 end), 0)
    from jsonb_array_elements(children) as child);
  if width > most then
    perform postern.fail('PGRST100', format('Cannot read the select (more than %s items)', most),
      format('found %s columns and embeds of one relation, * and spreads counted as what they stand for, expected at most %s', width, most));
  end if;
end
$$;
comment on function postern.check_width(jsonb, jsonb, jsonb) is
  'Refuses with PGRST100 a node of more columns and embeds than the limit "select items". columns: of its relation; fields, children: planned.';

create or replace function postern.is_single(node jsonb)
returns boolean
language plpgsql stable strict parallel safe
as $$
begin
  return exists (
    select
    from jsonb_array_elements(node -> 'where') as condition
    join pg_attribute as a on a.attrelid = (node ->> 'oid')::oid and a.attname = condition -> 'field' ->> 'name'
    join pg_index as i on i.indrelid = a.attrelid and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null
      and i.indnkeyatts = 1 and i.indkey[0] = a.attnum and i.indcollation[0] = a.attcollation
    join pg_class as c on c.oid = a.attrelid and (c.relkind = 'p' or not c.relhassubclass)
    where condition -> 'expr' ->> 'operator' = 'eq' and not condition -> 'expr' ?| '{not,quantifier}' and not condition -> 'field' ? 'path');
end
$$;
comment on function postern.is_single(jsonb) is
  'Whether a node is known to have at most one row: an eq filter on a column that is unique by itself, in its own collation.';

create or replace function postern.last_entry(entries jsonb, kind text)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select entry - '{kind,embed}'::text[]
    from jsonb_array_elements(entries) with ordinality as listed(entry, place)
    where entry ->> 'kind' = last_entry.kind and entry -> 'embed' = '[]' and entry ?| '{param,value}'
    order by place desc
    limit 1);
end
$$;
comment on function postern.last_entry(jsonb, text) is
  'The last limit or offset that is the node''s own, as {param} or {value}; null when there is none.';

create or replace function postern.plan_child(context jsonb, parent jsonb, item jsonb, depth int)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  found jsonb := postern.find_relationships((parent ->> 'oid')::oid, context ->> 'schema',
    array(select jsonb_array_elements_text(context -> 'schemas')), item ->> 'name', item ->> 'hint');
begin
  if jsonb_array_length(coalesce(found, '[]')) = 0 then
    perform postern.fail('PGRST200',
      format('There is no relationship between ''%s'' and ''%s''', parent ->> 'name', item ->> 'name'),
      format('No foreign key or computed relationship leads from ''%s'' to ''%s''%s in the schema ''%s''', parent ->> 'name', item ->> 'name',
        coalesce(' with the hint ''' || (item ->> 'hint') || '''', ''), context ->> 'schema'),
      'Perhaps you meant ''' || postern.relationship_hint((parent ->> 'oid')::oid, context ->> 'schema', item ->> 'name') || ''' in place of ''' || (item ->> 'name') || '''');
  elsif jsonb_array_length(found) > 1 then
    perform postern.fail_json('PGRST201',
      format('There is more than one relationship between ''%s'' and ''%s''', parent ->> 'name', item ->> 'name'),
      postern.ambiguous_details(found), postern.ambiguous_hint(item ->> 'name', found));
  end if;
  return jsonb_strip_nulls(jsonb_build_object('oid', found -> 0 -> 'target_oid', 'depth', depth,
    'name', item -> 'name', 'label', coalesce(item -> 'alias', item -> 'name'), 'alias_given', item -> 'alias',
    'spread', case when item ->> 'type' = 'spread' then true end, 'join', item -> 'join',
    'relationship', found -> 0, 'items', item -> 'select'));
end
$$;
comment on function postern.plan_child(jsonb, jsonb, jsonb, int) is
  'An embed of a node, its relationship resolved and its own part of the request still to plan. PGRST200 when there is no relationship, PGRST201 when there are several. Source: PostgREST docs, references/api/resource_embedding.';

create or replace function postern.plan_children(context jsonb, children jsonb, entries jsonb)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  shares jsonb[] := array_fill('[]'::jsonb, array[jsonb_array_length(children)]);
  planned jsonb := '[]';
  child jsonb;
  entry jsonb;
  node jsonb;
  name text;
  place int;
begin
  for entry in select e from jsonb_array_elements(entries) as e where e -> 'embed' <> '[]' loop
    name := entry -> 'embed' ->> 0;
    place := postern.child_place(children, name, (context ->> 'legacy')::boolean);
    if place is null then
      perform postern.not_embedded(name, children -> postern.child_place(children, name, true) ->> 'label');
    elsif name <> children -> place ->> 'label' then
      children := jsonb_set(children, array[place::text, 'legacy'], 'true');
    end if;
    shares[place + 1] := shares[place + 1] || jsonb_build_array(jsonb_set(entry, '{embed}', (entry -> 'embed') - 0));
  end loop;
  for place in 0 .. jsonb_array_length(children) - 1 loop
    child := children -> place;
    node := postern.plan_node(context,
      jsonb_build_object('oid', child -> 'oid', 'schema', child -> 'relationship' -> 'target_schema', 'name', child -> 'relationship' -> 'target'),
      postern.relation_columns((child ->> 'oid')::oid), child -> 'items', shares[place + 1], (child ->> 'depth')::int, child ? 'spread');
    if (child -> 'relationship' ->> 'to_one')::boolean then
      node := node || '{"single": true}';
    end if;
    if child -> 'relationship' ->> 'kind' = 'computed' then
      node := node - '{heap,ctid}'::text[];
    end if;
    planned := planned || jsonb_build_array(child - 'items' || node);
  end loop;
  return planned;
end
$$;
comment on function postern.plan_children(jsonb, jsonb, jsonb) is
  'The embeds of a node planned as nodes, each with the entries whose embed path begins with it; legacy marks those that were named by relation though they have an alias. PGRST108 for a path that leads nowhere.';

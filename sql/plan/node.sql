-- A relation with what the request wants of it, and its embeds below it: a tree of nodes, which plan makes and render
-- reads.
--
-- (Functions here are in PL/pgSQL also where SQL would do: up to PostgreSQL 17 one in SQL that is not inlined is
-- planned anew for each request, one in PL/pgSQL once a session.)
--
-- A node has these keys, those with a question mark where there is something to say.
--   depth, oid, schema, relation  the relation, and how far below the root (0) it is        postern.plan_node
--   alias                         its alias in SQL, which is in PostgreSQL's messages       postern.node_alias
--   fields                        [{name, label, path?, to_json?, tsvector?, cast?, transform?, aggregate?,
--                                 aggregate_cast?, form?, type?, nullable?, set?}]   postern.plan_field, with_sets
--   children                      its embeds, as nodes, in the order of select              postern.plan_children
--   outputs                       [{column, label, field? | child (from 1), inner?, aggregate?, aggregate_cast?, form?,
--                                 type?, nullable?}]: what it yields; inner: the column in the spread child;
--                                 form: postern.json_form of a plain column                 postern.plan_outputs
--   where?, order?                conditions; [{field, child?, direction?, nulls?, column?}], column: what a
--                                 grouped node orders by                                    postern.plan_filter, _order
--   limit?, offset?, max_rows?, range?   {param} or {value}; db-max-rows; number of the parameters of a Range header
--   size?                         rows of the relation, as ANALYZE found                    postern.plan_node
--   single?, heap?, ctid?         at most one row; its rows are stored; may be ordered by where they are stored
--   columns?                      the columns of the relation: of the root, and where rows are handed to functions
--   computed?                     it names more than columns
--   aggregated?                   rows are grouped, as outputs have aggregates              postern.plan_grouped
--   grouped?                      its columns are grouped by: it is aggregated, or spread into such a node
--   hidden?                       [{column, field}]: what a grouped node orders by besides   postern.plan_grouped
--   folds?                        a field is an aggregate in functional notation, as in posts(count): one row
--   jsonb?                        embeds are jsonb, as their text is shown                  postern.for_media
--   whole?                        all rows of the relation are read                         postern.plan_rows
--   written?                      outputs as text: [{label, form?, type?, nullable?, texts?}] postern.plan_written
-- An embed has moreover
--   name, label, alias_given?, relationship, spread?, join?, legacy?                        postern.plan_child
--   empty?                        it selects nothing: it filters, but does not show         postern.plan_node
--   lookup?                       rows of what an index finds its rows in by their parent; none without such an index
--   scans?                        without together it or an embed below reads a relation for each parent
--   together?                     it is read for all parents at once                        postern.plan_ways

create or replace function postern.plan_node(
  context jsonb, relation jsonb, columns jsonb, items jsonb, entries jsonb, depth int, embed jsonb default '{}')
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  own pg_catalog.oid := (relation ->> 'oid')::oid;
  to_one boolean := coalesce((embed -> 'relationship' ->> 'to_one')::boolean, false);
  map pg_catalog.jsonb;
  children pg_catalog.jsonb := '[]';
  item pg_catalog.jsonb;
  fields pg_catalog.jsonb;
  conditions pg_catalog.jsonb;
  terms pg_catalog.jsonb;
  outputs pg_catalog.jsonb;
  size real;
  heap boolean;
  granted boolean;
  aggregates boolean;
  folds boolean;
  computed boolean;
  node pg_catalog.jsonb;
begin
  map := postern.column_map(columns);
  if entries <> '[]' then
    map := postern.with_computed(map, own, entries);
  end if;
  if depth = 0 then
    context := context || jsonb_build_object('root', relation -> 'name');
  end if;
  if items @? '$[*] ? (@.type != "field")' or entries @? '$[*].embed[0]' then
    for item in select i from jsonb_array_elements(items) as i where i ->> 'type' <> 'field' loop
      children := children || jsonb_build_array(postern.plan_child(context, relation, item, depth + 1));
    end loop;
    children := postern.plan_children(context, children, entries);
  end if;
  fields := coalesce((
    select jsonb_agg(postern.plan_field(map, i) order by place)
    from jsonb_array_elements(items) with ordinality as listed(i, place)
    where i ->> 'type' = 'field'), '[]');
  if depth = 0 and fields = '[]' and children = '[]' then
    fields := '[{"name": "*", "label": "*"}]';
  end if;
  aggregates := fields @? '$[*].aggregate';
  if aggregates and not (context ->> 'aggregates')::boolean then
    perform postern.fail('PGRST123', 'Aggregate functions are not allowed', null,
      'The setting db-aggregates-enabled turns them on');
  end if;
  perform postern.check_width(columns, fields, children);
  fields := postern.expand_star(columns, fields, children <> '[]' or aggregates
    or depth > 0 and (embed ? 'spread' or jsonb_array_length(columns) <= 50));
  outputs := postern.plan_outputs(fields, children);
  aggregates := outputs @? '$[*].aggregate';
  if aggregates and embed ? 'spread' and not to_one then
    perform postern.fail('PGRST127', 'Feature not implemented',
      'Aggregate functions inside a one-to-many or many-to-many spread');
  end if;
  aggregates := aggregates and not embed ? 'spread';
  if entries <> '[]' then
    conditions := (
      select jsonb_agg(case entry ->> 'kind' when 'filter' then postern.plan_filter(map, entry, children)
        else postern.plan_logic(map, entry -> 'tree', children) end order by place)
      from jsonb_array_elements(entries) with ordinality as listed(entry, place)
      where entry -> 'embed' = '[]' and entry ->> 'kind' in ('filter', 'logic'));
    terms := (
      select jsonb_agg(postern.plan_order(map, term, children, relation ->> 'name') order by place)
      from jsonb_array_elements((
        select entry -> 'terms' from jsonb_array_elements(entries) as entry
        where entry -> 'embed' = '[]' and entry ->> 'kind' = 'order' limit 1)) with ordinality as listed(term, place));
  end if;
  select case when c.reltuples > 0 then c.reltuples end,
      c.relkind in ('r', 'p', 'm') and embed -> 'relationship' ->> 'kind' is distinct from 'computed',
      exists (select from pg_attribute as a where a.attrelid = c.oid and a.attacl is not null)
    into size, heap, granted
    from pg_class as c
    where c.oid = own;
  computed := columns = '[]' or fields @? '$[*].transform'
    or postern.computed_names(
      jsonb_strip_nulls(jsonb_build_object('fields', fields, 'where', conditions, 'order', terms)), columns) <> '{}';
  if computed and columns <> '[]' and depth = 0 and fields <> '[]' then
    fields := postern.with_sets(fields, own);
  end if;
  folds := computed and not aggregates and columns <> '[]' and postern.folds(fields, map, own);
  node := jsonb_strip_nulls(jsonb_build_object(
    'depth', depth, 'oid', relation -> 'oid', 'schema', relation -> 'schema', 'relation', relation -> 'name',
    'alias', postern.node_alias(relation ->> 'name', depth, context ->> 'root'),
    'fields', fields, 'children', children, 'outputs', outputs, 'where', conditions, 'order', terms,
    'limit', case when entries <> '[]' then postern.last_entry(entries, 'limit') end,
    'offset', case when entries <> '[]' then postern.last_entry(entries, 'offset') end,
    'max_rows', context -> 'max_rows', 'size', size,
    'single', case when to_one or conditions is not null and not fields @? '$[*].set'
      and postern.is_single(own, conditions) then true end,
    'heap', case when heap then true end,
    'ctid', case when heap and not granted then true end,
    'columns', case when depth = 0 or children @? '$[*] ? (@.relationship.kind == "computed")' then columns end,
    'empty', case when depth > 0 and fields = '[]' and not children @? '$[*] ? (!exists (@.empty))' then true end,
    'aggregated', case when aggregates then true end,
    'folds', case when folds then true end,
    'computed', case when computed then true end));
  return case when aggregates then postern.plan_grouped(node) else node end;
end
$$;
comment on function postern.plan_node(jsonb, jsonb, jsonb, jsonb, jsonb, int, jsonb) is
  'The node of a relation. context: {schema, schemas, legacy, aggregates, max_rows}; columns: of the relation; '
  'items: its part of select; entries: filters, logic trees, orders and ranges with embed paths relative to it; '
  'embed: postern.plan_child, where it is one. PGRST108, 118, 123, 127, 200, 201; 42712, 42803.';

create or replace function postern.node_alias(name text, depth int, root text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return case when name like 'pgrst\_%' or name = 'excluded' then 'pgrst_relation_' || depth
    when depth = 0 then name
    when octet_length(name) > 60 or name || '_' || depth = root then 'pgrst_relation_' || depth
    else name || '_' || depth end;
end
$$;
comment on function postern.node_alias(text, int, text) is
  'The alias of a node''s relation in SQL: its name, and below the root its depth, where no other alias of the '
  'statement can be the same. All that is ours begins with pgrst_, so no relation''s does; it is not the root''s, '
  'and not cut to the 63 bytes of an identifier. In: the relation''s name, depth, name of the root''s relation. '
  'Raises nothing.';

create or replace function postern.check_width(columns jsonb, fields jsonb, children jsonb)
returns void
language plpgsql immutable strict parallel safe
as $$
declare
  most constant int := postern.limit_of('select items');
  width bigint := (
    select count(*) + (jsonb_array_length(columns) - 1) * count(*) filter (where field ->> 'name' = '*'
      and not field ? 'aggregate')
    from jsonb_array_elements(fields) as field);
begin
  if width + jsonb_array_length(children) < most and not children @> '[{"spread": true}]' then
    return;
  end if;
  width := width + (
    select coalesce(sum(case when child ? 'spread' then jsonb_array_length(child -> 'outputs') else 1 end), 0)
    from jsonb_array_elements(children) as child);
  if width > most then
    perform postern.fail('PGRST100', format('Cannot read the select (more than %s items)', most),
      format('found %s columns and embeds of one relation, * and spreads counted as what they stand for, '
        'expected at most %s', width, most));
  end if;
end
$$;
comment on function postern.check_width(jsonb, jsonb, jsonb) is
  'Refuses with PGRST100 a node of more columns and embeds than the limit "select items". columns: of its relation; '
  'fields, children: planned.';

create or replace function postern.is_single(relation oid, conditions jsonb)
returns boolean
language plpgsql stable parallel safe
as $$
#variable_conflict use_column
begin
  return exists (
    select
    from jsonb_array_elements(conditions) as condition
    join pg_attribute as a on a.attrelid = relation and a.attname = condition -> 'field' ->> 'name'
    join pg_index as i on i.indrelid = a.attrelid and i.indisunique and i.indisvalid and i.indimmediate
      and i.indpred is null and i.indnkeyatts = 1 and i.indkey[0] = a.attnum and i.indcollation[0] = a.attcollation
    join pg_class as c on c.oid = a.attrelid and (c.relkind = 'p' or not c.relhassubclass)
    where condition -> 'expr' ->> 'operator' = 'eq' and not condition -> 'expr' ?| '{not,quantifier}'
      and not condition -> 'field' ? 'path');
end
$$;
comment on function postern.is_single(oid, jsonb) is
  'Whether conditions (where of a node) leave at most one row of a relation: an eq filter on a column that is unique '
  'by itself, in its own collation.';

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
  found pg_catalog.jsonb := postern.find_relationships((parent ->> 'oid')::oid, context ->> 'schema',
    array(select jsonb_array_elements_text(context -> 'schemas')), item ->> 'name', item ->> 'hint');
  meant pg_catalog.jsonb := found -> 0;
  lookup real;
begin
  if meant is null then
    perform postern.fail('PGRST200',
      format('There is no relationship between ''%s'' and ''%s''', parent ->> 'name', item ->> 'name'),
      format('No foreign key or computed relationship leads from ''%s'' to ''%s''%s in the schema ''%s''',
        parent ->> 'name', item ->> 'name', coalesce(' with the hint ''' || (item ->> 'hint') || '''', ''),
        context ->> 'schema'),
      'Perhaps you meant '''
        || postern.relationship_hint((parent ->> 'oid')::oid, context ->> 'schema', item ->> 'name')
        || ''' in place of ''' || (item ->> 'name') || '''');
  elsif jsonb_array_length(found) > 1 then
    perform postern.fail_json('PGRST201',
      format('There is more than one relationship between ''%s'' and ''%s''', parent ->> 'name', item ->> 'name'),
      coalesce(postern.ambiguous_details(postern.known_relationships(found)), '[]'),
      postern.ambiguous_hint(item ->> 'name', nullif(postern.known_relationships(found), '[]')));
  end if;
  if not (meant ->> 'to_one')::boolean and meant ->> 'kind' <> 'computed' then
    lookup := postern.relationship_rows(meant);
  end if;
  return jsonb_strip_nulls(jsonb_build_object('oid', meant -> 'target_oid', 'depth', depth,
    'name', item -> 'name', 'label', coalesce(item -> 'alias', item -> 'name'), 'alias_given', item -> 'alias',
    'spread', case when item ->> 'type' = 'spread' then true end, 'join', item -> 'join',
    'relationship', meant, 'items', item -> 'select', 'lookup', lookup));
end
$$;
comment on function postern.plan_child(jsonb, jsonb, jsonb, int) is
  'An embed of a node, its relationship resolved and its own part of the request still to plan. PGRST200 when there '
  'is no relationship, PGRST201 when there are several. Source: PostgREST docs, references/api/resource_embedding.';

create or replace function postern.plan_children(context jsonb, children jsonb, entries jsonb)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  shares pg_catalog.jsonb[] := array_fill('[]'::jsonb, array[jsonb_array_length(children)]);
  planned pg_catalog.jsonb := '[]';
  child pg_catalog.jsonb;
  entry pg_catalog.jsonb;
  node pg_catalog.jsonb;
  name pg_catalog.text;
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
    if postern.child_place(children, child ->> 'label', false) < place then
      raise exception using errcode = 'duplicate_alias', message = format('two embeds have the name "%s"',
        child ->> 'label');
    end if;
    node := postern.plan_node(context, jsonb_build_object('oid', child -> 'oid',
        'schema', child -> 'relationship' -> 'target_schema', 'name', child -> 'relationship' -> 'target'),
      postern.relation_columns((child ->> 'oid')::oid), child -> 'items', shares[place + 1], (child ->> 'depth')::int,
      child - 'items');
    if child ? 'spread' then
      perform postern.check_spread(node -> 'outputs');
    end if;
    if node -> 'children' @? '$[*].scans' or not child ? 'lookup'
      and not (child -> 'relationship' ->> 'to_one')::boolean and child -> 'relationship' ->> 'kind' <> 'computed'
    then
      node := node || '{"scans": true}';
    end if;
    planned := planned || jsonb_build_array(child - 'items' || node);
  end loop;
  return planned;
end
$$;
comment on function postern.plan_children(jsonb, jsonb, jsonb) is
  'The embeds of a node planned as nodes, each with the entries whose embed path begins with it; legacy marks those '
  'that were named by relation though they have an alias. PGRST108 for a path that leads nowhere, 42712 for two '
  'embeds of one name, 42702 for two columns of one name in a spread, as PostgREST has it.';

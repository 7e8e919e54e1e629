-- A relation with what the request wants of it, and its embeds below it: a tree of nodes, which plan makes and render
-- reads.
--
-- A node has these keys, those with a question mark where there is something to say.
--   depth, oid, schema, relation  the relation, and how far below the root (0) it is        postern.plan_node
--   alias                         its alias in SQL, which is in PostgreSQL's messages       postern.node_alias
--   fields                        [{name, label, path?, to_json?, tsvector?, cast?, transform?, aggregate?,
--                                 aggregate_cast?, distinct?, form?, type?, nullable?, set?}]
--                                                                                    postern.plan_field, with_sets
--   children                      its embeds, as nodes, in the order of select              postern.plan_children
--   outputs                       [{column, label, field? | child (from 1), inner?, aggregate?, aggregate_cast?,
--                                 distinct?, form?, type?, nullable?}]: what it yields; inner: the column in the
--                                 spread child; form: postern.json_form of a plain column   postern.plan_outputs
--   where?, order?                conditions; [{field, child?, direction?, nulls?, column?}], column: what a
--                                 grouped node orders by (column, aggregate?, aggregate_cast?, distinct?: a result)
--                                                                                           postern.plan_filter, _order
--   limit?, offset?, max_rows?, range?   {param} or {value}; db-max-rows; number of the parameters of a Range header
--   size?                         rows of the relation, as ANALYZE found                    postern.plan_node
--   cursor?                       of the root, where its page begins at a row; order then has more  postern.plan_cursor
--   single?, heap?, ctid?         at most one row; its rows are stored; may be ordered by where they are stored
--   columns?                      the columns of the relation: of the root, and where rows are handed to functions
--   own_types?                    a column is of a type that PostgreSQL does not come with  postern.plan_node
--   computed?, computed_names?    it names more than columns; of an embed whose columns are known, what
--   aggregated?                   rows are grouped, as outputs have aggregates or distinct() postern.plan_grouped
--   having?                       conditions of groups: column, aggregate?, ... where others have their field
--                                                                              postern.plan_results, group_condition
--   own_groups?                   the request is none of PostgREST's: its groups are counted  postern.plan_results
--   grouped?                      its columns are grouped by: it is aggregated, or spread into such a node
--   hidden?                       [{column, field}]: what a grouped node orders by besides   postern.plan_grouped
--   folds?                        a field is an aggregate in functional notation, as in posts(count): one row
--   jsonb?                        embeds are jsonb, as their text is shown                  postern.for_media
--   streams?                      its rows are answered as they come                        postern.with_streams
--   whole?                        all rows of the relation are read                         postern.plan_rows
--   version?, ordered?            the version of its row; its rows have a total order       postern.plan_validator
--   match?, creates?, put?, tagged?   preconditions of a write; its answer has a tag        postern.plan_precondition
--   written?                      outputs as text: [{label, form?, type?, nullable?, texts?}] postern.plan_written
--   by_embeds?                    embeds choose, too, which rows are written                postern.plan_written_rows
--   key?                          by which rows of the payload find theirs: [{name, builtin?, collation?}]
--                                                                                           postern.plan_key
--   arbiter?                      the condition of ON CONFLICT, as SQL                      postern.arbiter_condition
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
  others constant pg_catalog.jsonb := case when items @> '[{"name": "distinct", "select": []}]'
    then postern.without_distinct(context, relation, items, embed) end;
  map pg_catalog.jsonb;
  children pg_catalog.jsonb := '[]';
  fields pg_catalog.jsonb;
  asked pg_catalog.jsonb := '{}';
  outputs pg_catalog.jsonb;
  names pg_catalog.text[];
  size real;
  heap boolean;
  granted boolean;
  aggregates boolean;
  folds boolean;
  computed boolean;
  node pg_catalog.jsonb;
begin
  items := coalesce(others, items);
  map := postern.column_map(columns);
  if entries <> '[]' then
    map := postern.with_computed(map, own, entries);
  end if;
  context := context || case when depth = 0 then jsonb_build_object('root', relation -> 'name') else '{}' end;
  if items @? '$[*] ? (@.type != "field")' or entries @? '$[*].embed[0]' then
    children := postern.plan_embeds(context, relation, items, entries, depth);
  end if;
  fields := postern.plan_fields(context, map, items, depth = 0 and children = '[]');
  perform postern.check_width(columns, fields, children);
  fields := postern.expand_star(columns, fields, children <> '[]' or fields @? '$[*].aggregate' or others is not null
    or depth > 0 and (embed ? 'spread' or jsonb_array_length(columns) <= 50));
  outputs := postern.plan_outputs(fields, children);
  aggregates := postern.groups_rows(outputs, embed, to_one) or others is not null;
  if entries <> '[]' then
    asked := jsonb_strip_nulls(jsonb_build_object('where', postern.plan_conditions(map, entries, children),
      'order', postern.plan_terms(map, entries, children, relation ->> 'name')));
  end if;
  if aggregates and entries <> '[]' and (depth > 0 or not context ? 'writes') then
    asked := jsonb_strip_nulls(postern.plan_results(asked, outputs, fields, map, own,
      case when depth = 0 then (context ->> 'routine')::oid end));
  end if;
  select case when c.reltuples > 0 then c.reltuples end,
      c.relkind in ('r', 'p', 'm') and embed -> 'relationship' ->> 'kind' is distinct from 'computed',
      exists (select from pg_attribute as a where a.attrelid = c.oid and a.attacl is not null)
    into size, heap, granted
    from pg_class as c where c.oid = own;
  names := postern.computed_names(jsonb_build_object('fields', fields) || asked, columns);
  computed := columns = '[]' or fields @? '$[*].transform' or names <> '{}';
  if computed and columns <> '[]' and depth = 0 and fields <> '[]' then
    fields := postern.with_sets(fields, map, own);
  end if;
  folds := computed and not aggregates and columns <> '[]' and postern.folds(fields, map, own);
  node := jsonb_strip_nulls(jsonb_build_object(
    'depth', depth, 'oid', relation -> 'oid', 'schema', relation -> 'schema', 'relation', relation -> 'name',
    'alias', postern.node_alias(relation ->> 'name', depth, context ->> 'root'),
    'fields', fields, 'children', children, 'outputs', outputs,
    'limit', case when entries <> '[]' then postern.last_entry(entries, 'limit') end,
    'offset', case when entries <> '[]' then postern.last_entry(entries, 'offset') end,
    'max_rows', context -> 'max_rows', 'size', size,
    'single', case when to_one or asked ? 'where' and not fields @? '$[*].set'
      and postern.is_single(own, asked -> 'where') then true end,
    'heap', case when heap then true end,
    'ctid', case when heap and not granted then true end,
    'columns', case when depth = 0 or children @? '$[*] ? (@.relationship.kind == "computed")' then columns end,
    'own_types', case when columns @? '$[*] ? (@.type_oid >= 16384)' then true end,
    'empty', case when depth > 0 and fields = '[]' and not children @? '$[*] ? (!exists (@.empty))' then true end,
    'aggregated', case when aggregates then true end, 'folds', case when folds then true end,
    'own_groups', case when others is not null or outputs @? '$[*].distinct' then true end,
    'computed', case when computed then true end,
    'computed_names', case when computed and depth > 0 and columns <> '[]' then to_jsonb(names) end) || asked);
  return case when aggregates then postern.plan_grouped(node) else node end;
end
$$;
comment on function postern.plan_node(jsonb, jsonb, jsonb, jsonb, jsonb, int, jsonb) is
  'The node of a relation. In: context: {schema, schemas, legacy, aggregates, max_rows?, routine?: whose rows the root '
  'has, writes?: the root is written}; relation: {oid, schema, name}; columns: of it, [] where they are not known; '
  'items: its part of select; entries: filters, logic trees, orders and ranges with embed paths relative to it; embed: '
  'postern.plan_child, where it is one. Out: the node (its keys: sql/plan/node.sql). Raises PGRST100, 108, 118, 123, '
  '127, 200, 201; 42702, 42703, 42704, 42712, 42803: what the functions of sql/plan raise that make its parts.';

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
  'The alias of a node''s relation in SQL: its name, and below the root its depth. In: the relation''s name, depth, '
  'the root''s relation. Out: what no other alias is: ours begin with pgrst_, so no relation''s does; it is not the '
  'root''s, and not cut to the 63 bytes of an identifier. Raises nothing.';

create or replace function postern.check_width(columns jsonb, fields jsonb, children jsonb)
returns void
language plpgsql immutable strict parallel safe
as $$
declare
  most constant int := postern.limit_of('select items');
  width bigint := jsonb_array_length(fields) * greatest(jsonb_array_length(columns), 1);
begin
  if width + jsonb_array_length(children) < most and not children @> '[{"spread": true}]' then
    return;
  end if;
  width := (
    select count(*) + (jsonb_array_length(columns) - 1) * count(*) filter (where field ->> 'name' = '*'
      and not field ? 'aggregate')
    from jsonb_array_elements(fields) as field) + (
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
  'Refuses more columns and embeds, planned, than the limit "select items". Raises PGRST100 for them.';

create or replace function postern.is_single(relation oid, conditions jsonb)
returns boolean
language plpgsql stable parallel safe
as $$
begin
  return conditions @> '[{"expr": {"operator": "eq"} }]' and exists (
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
  'Whether conditions leave at most one row of a relation: there is an eq filter on a column that is unique by itself, '
  'in its own collation. In: the relation; where of a node. Out: true or false. Raises nothing.';

create or replace function postern.last_entry(entries jsonb, kind text)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
begin
  return (jsonb_path_query_array(entries, '$[*] ? (@.kind == $kind && !exists (@.embed[0])
    && (exists (@.param) || exists (@.value)))', jsonb_build_object('kind', kind)) -> -1) - '{kind,embed}'::text[];
end
$$;
comment on function postern.last_entry(jsonb, text) is
  'The last limit or offset of the node''s own. In: entries of query_trees. Out: {param} or {value}. Raises nothing.';

create or replace function postern.plan_root(context jsonb, relation jsonb, columns jsonb, trees jsonb)
returns jsonb
language plpgsql stable parallel safe
as $$
begin
  return postern.plan_node(context, relation, columns, trees -> 'select', trees -> 'entries', 0)
    || jsonb_strip_nulls(jsonb_build_object('select_items', trees -> 'select', 'range', trees -> 'range'));
end
$$;
comment on function postern.plan_root(jsonb, jsonb, jsonb, jsonb) is
  'Plans the node of the resource. In: postern.find_relation, relation_columns and query_trees. Out: the node, with '
  'select_items and, from the header Range, range?. Raises as postern.plan_node does.';

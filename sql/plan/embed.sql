-- How embeds are read: for each parent, by an index, or for all parents together, by a scan.

create or replace function postern.plan_rows(node jsonb, origin text, written boolean)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  most pg_catalog.float8 := least((node -> 'limit' ->> 'value')::float8, (node ->> 'max_rows')::float8,
    case when origin = 'relation' then (node ->> 'size')::float8 end);
begin
  if (written or origin <> 'relation' and node ? 'computed') -- then the source has computed fields as columns
    and node -> 'fields' @> '[{"name": "*"}]'
  then
    node := node || jsonb_build_object('fields', postern.expand_star(node -> 'columns', node -> 'fields', true));
    node := node || jsonb_build_object('outputs', postern.plan_outputs(node -> 'fields', node -> 'children'));
  end if;
  if origin = 'relation' and node -> 'fields' @? '$[*].set' then
    node := node || jsonb_build_object('fields', (
      select jsonb_agg(field - 'set' order by place)
      from jsonb_array_elements(node -> 'fields') with ordinality as listed(field, place)));
  end if;
  if origin = 'relation' and not node ?| '{where,limit,offset,range,max_rows}'
    and not node -> 'children' @> '[{"join": "inner"} ]'
  then
    node := node || '{"whole": true}';
  end if;
  node := postern.plan_ways(node, case when node ? 'single' or origin = 'row' then 1
    when origin = 'write' or node ? 'streams' then 50
    else coalesce(most, 'infinity') end);
  return case when written then postern.plan_written(node) else node end;
end
$$;
comment on function postern.plan_rows(jsonb, text, boolean) is
  'The node of the resource with all that is left to decide once its media type is known. In: the node; origin: where '
  'its rows come from: relation, write (taken to have fifty, as what streams), call (of a set), row (a call of one); '
  'written: whether rows are to be written as text. Out: the node with whole?, how each embed is read '
  '(postern.plan_ways) and what is written (postern.plan_written). Raises nothing.';

create or replace function postern.plan_ways(node jsonb, rows float8)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  per_parent pg_catalog.float8;
  ways pg_catalog.jsonb[] := '{}';
  child pg_catalog.jsonb;
begin
  if node -> 'children' = '[]' then
    return node;
  end if;
  for child in select c from jsonb_array_elements(node -> 'children') as c loop
    child := child - 'together' || case when postern.reads_together(node, child, rows)
      then '{"together": true}' else '{}'::jsonb end;
    per_parent := case when child ? 'single' then 1 else least((child -> 'limit' ->> 'value')::float8,
      (child ->> 'max_rows')::float8,
      greatest(coalesce((child ->> 'lookup')::float8, (child ->> 'size')::float8) / (node ->> 'size')::float8, 1)) end;
    ways := array_append(ways, postern.plan_ways(child, coalesce(per_parent, 10)
      * case when child ? 'together' then rows else 1 end));
  end loop;
  return node || jsonb_build_object('children', ways);
end
$$;
comment on function postern.plan_ways(jsonb, double precision) is
  'Which embeds, at all levels, are read for all parents at once. In: the node; rows: how many it has, as far as is '
  'known. Out: the node with together in those. For each level below, an embed has as many rows for a parent as its '
  'relation has for one of the parent''s, at most its limit, or ten where nothing is known. Raises nothing.';

create or replace function postern.reads_together(node jsonb, child jsonb, rows float8)
returns boolean
language plpgsql immutable strict parallel safe
as $$
begin
  return case
    when rows <= 1 or child ?| '{empty,aggregated,folds}' or child -> 'relationship' ->> 'kind' = 'computed'
      or node ? 'grouped' then false
    when (child -> 'relationship' ->> 'to_one')::boolean then rows > 500
      and not (child -> 'relationship' ->> 'target_is_view')::boolean
      and coalesce((child ->> 'size')::float8 <= 5 * rows, false)
      and child -> 'children' = '[]' and not child ?| '{limit,offset}'
    when child ? 'spread' then false
    else not child ? 'lookup' or child -> 'children' @? '$[*].scans'
      or rows > greatest(50, (child ->> 'lookup')::float8 / 15) end;
end
$$;
comment on function postern.reads_together(jsonb, jsonb, double precision) is
  'Whether an embed of a node of so many rows is read for all of them together. In: the node, the embed, the rows. '
  'Out: true or false. To find the rows of a parent by an index costs about as much as to read and sort 15 rows of a '
  'scan, to find one by its key as to read five. A to-one embed with embeds below is looked up, for the planner keeps '
  'what it has found. What has no index, or an embed below that has none, is never read for each of several parents, '
  'but for aggregates, to-many spreads and what is below a to-one embed. Raises nothing.';

create or replace function postern.relationship_rows(relationship jsonb)
returns real
language plpgsql stable strict parallel safe
as $$
declare
  junction pg_catalog.jsonb := relationship -> 'junction';
  target pg_catalog.oid := (relationship ->> 'target_oid')::oid;
begin
  if junction is null then
    return postern.key_rows(target, array(select pair ->> 1
      from jsonb_array_elements(relationship -> 'columns') as pair));
  elsif postern.key_rows(target, array(select pair ->> 0
    from jsonb_array_elements(junction -> 'target') as pair)) is null then
    return null;
  end if;
  return postern.key_rows((junction ->> 'oid')::oid,
    array(select pair ->> 1 from jsonb_array_elements(junction -> 'source') as pair));
end
$$;
comment on function postern.relationship_rows(jsonb) is
  'How many rows there are of what a to-many relationship is looked up in, its target or junction. In: one of '
  'postern.find_relationships. Out: as ANALYZE found; null where no index finds those of one parent. Raises nothing.';

create or replace function postern.key_rows(relation oid, names text[])
returns real
language plpgsql stable strict parallel safe
as $$
declare
  base pg_catalog.oid := relation;
  attributes pg_catalog.int2[] := array(select a.attnum from pg_attribute as a where a.attrelid = relation
    and a.attname = any(names));
begin
  if (select c.relkind = 'v' from pg_class as c where c.oid = relation) then
    if pg_relation_is_updatable(relation, false) & 16 = 0 then
      return null;
    end if; -- else it has one table's rows, neither grouped nor cut
    attributes := null;
    select v.base_relation, array_agg(v.base_attnum) into base, attributes
      from postern.view_columns(relation) as v
      join pg_attribute as a on a.attrelid = relation and a.attnum = v.view_attnum
      where a.attname = any(names)
      group by v.base_relation
      having count(*) = cardinality(names);
  end if;
  return (
    select greatest(c.reltuples, 0)
    from pg_class as c
    where c.oid = base and exists (
      select from pg_index as i
      join pg_class as ordered on ordered.oid = i.indexrelid
      join pg_am as method on method.oid = ordered.relam
      where i.indrelid = base and i.indisvalid and i.indpred is null and method.amname in ('btree', 'hash')
        and (i.indkey::int2[])[0:cardinality(attributes) - 1] @> attributes));
end
$$;
comment on function postern.key_rows(oid, text[]) is
  'How many rows a relation has where an index begins with these columns, in any order. Out: as ANALYZE found; for a '
  'view that is a part of one table, that table''s rows; null where there is no such index. Raises nothing.';

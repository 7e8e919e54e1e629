-- Where rows come from, and how a node is tied to its parent.

create or replace function postern.render_source(node jsonb, parent_row text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  relationship pg_catalog.jsonb := node -> 'relationship';
begin
  if relationship ->> 'kind' = 'computed' then
    return format('%I.%I(%s) as %I', relationship -> 'function' ->> 'schema', relationship -> 'function' ->> 'name',
      parent_row, node ->> 'alias');
  end if;
  return format('%I.%I as %I', node ->> 'schema', node ->> 'relation', node ->> 'alias')
    || case when relationship ? 'junction' then format(', %I.%I as %I', relationship -> 'junction' ->> 'schema',
      relationship -> 'junction' ->> 'name', postern.junction_alias(node)) else '' end;
end
$$;
comment on function postern.render_source(jsonb, text) is
  'Renders the FROM items of a node. In: parent_row: SQL of the row that a computed relationship takes. Out: SQL of '
  'its relation, with the junction of a many-to-many relationship, or of a computed one''s function. Raises nothing.';

create or replace function postern.junction_alias(node jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return 'pgrst_junction_' || (node ->> 'depth');
end
$$;
comment on function postern.junction_alias(jsonb) is
  'Names the junction of a many-to-many embed. Out: its alias. Raises nothing.';

create or replace function postern.render_equals(node jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return case when node -> 'relationship' ? 'own_operators' then '=' else 'operator(pg_catalog.=)' end;
end
$$;
comment on function postern.render_equals(jsonb) is
  'Renders what compares an embed''s keys: PostgreSQL''s =, or = where their type has its own. Raises nothing.';

create or replace function postern.render_join(node jsonb, parent text, keyed boolean)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select nullif(concat_ws(' and ', string_agg(format('%I.%I %s %I.%I',
        case when node -> 'relationship' ? 'junction' then postern.junction_alias(node) else node ->> 'alias' end,
        pair ->> 1, postern.render_equals(node), parent,
        case when keyed then postern.key_alias(pair ->> 0) else pair ->> 0 end), ' and '),
      postern.render_junction_join(node)), '')
    from jsonb_array_elements(coalesce(node -> 'relationship' -> 'junction' -> 'source',
      node -> 'relationship' -> 'columns')) as pair);
end
$$;
comment on function postern.render_join(jsonb, text, boolean) is
  'Renders the condition that ties a node to a row of its parent. In: the parent''s alias; keyed: its columns are '
  'named by postern.key_alias. Out: SQL; null for a computed relationship. Raises nothing.';

create or replace function postern.render_junction_join(child jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select string_agg(format('%I.%I %s %I.%I', postern.junction_alias(child), pair ->> 1, postern.render_equals(child),
      child ->> 'alias', pair ->> 0), ' and ')
    from jsonb_array_elements(child -> 'relationship' -> 'junction' -> 'target') as pair);
end
$$;
comment on function postern.render_junction_join(jsonb) is
  'Renders the condition that ties the junction of a many-to-many embed to its relation, else null. Raises nothing.';

create or replace function postern.key_alias(name text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return 'k$' || case when octet_length(name) > 61 then md5(name) else name end;
end
$$;
comment on function postern.key_alias(text) is
  'Names a column that embeds are joined by, between levels. Out: at most the 63 bytes of a name. Raises nothing.';

create or replace function postern.render_keys(node jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select string_agg(format('%I.%I as %I', node ->> 'alias', name, postern.key_alias(name)), ', ')
    from (
      select distinct pair ->> 0 as name
      from jsonb_array_elements(node -> 'children') as child,
        jsonb_array_elements(coalesce(child -> 'relationship' -> 'junction' -> 'source',
          child -> 'relationship' -> 'columns')) as pair
    ) as keys);
end
$$;
comment on function postern.render_keys(jsonb) is
  'Renders the columns that embeds of a node are joined by, named by postern.key_alias, or null. Raises nothing.';

create or replace function postern.render_row(node jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select format(case when count(*) = 0 then '(%2$I.*)::%3$I.%4$I' else 'row(%1$s)::%3$I.%4$I' end,
      string_agg(format('%I.%I', node ->> 'alias', item ->> 'name'), ', ' order by place), node ->> 'alias',
        node ->> 'schema', node ->> 'relation')
    from jsonb_array_elements(case when node ? 'computed' then node -> 'columns' end)
      with ordinality as listed(item, place));
end
$$;
comment on function postern.render_row(jsonb) is
  'Renders the whole row of a node''s relation, as a computed relationship takes it. Out: SQL. A node that names '
  'computed fields may have a source with more columns than the relation (a call, a write). Raises nothing.';

create or replace function postern.render_exists(child jsonb, parent text, parent_node jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  source constant pg_catalog.text := postern.render_source(child, postern.render_row(parent_node));
  joined constant pg_catalog.text := postern.render_join(child, parent, false);
begin
  return format('exists (select 1%s%s)', case when child ? 'having' then postern.render_groups(child, source, joined)
      else ' from ' || source || coalesce(' where ' || postern.render_where(child, child ->> 'alias', joined), '') end,
    case when child ?| '{limit,offset}' then postern.render_page(child) end);
end
$$;
comment on function postern.render_exists(jsonb, text, jsonb) is
  'Renders the condition that a row has a row in an embed, or a group that its conditions of groups (having) leave. '
  'In: child: the embed; the alias and node of its parent. Out: SQL. Raises what postern.render_filter raises.';

create or replace function postern.render_most(node jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  skipped constant pg_catalog.text := coalesce(postern.render_value(node -> 'offset') || '::bigint', '0');
  wanted constant pg_catalog.text := postern.render_value(node -> 'limit') || '::bigint';
begin
  return case
    when node ? 'range' then postern.render_limit(
      format('postern.range_limit(%s::bigint, %s, %s, %s)', postern.render_value(node -> 'range' -> 'first'),
        coalesce(postern.render_value(node -> 'range' -> 'last') || '::bigint', 'null'), skipped,
        coalesce(wanted, 'null')),
      node -> 'max_rows')
    when node ?| '{limit,max_rows}' then postern.render_limit(wanted, node -> 'max_rows') end;
end
$$;
comment on function postern.render_most(jsonb) is
  'Renders a page''s limit, or null; the SQL raises PGRST103 where Range and offset do not meet. Raises nothing.';

create or replace function postern.render_page(node jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return coalesce(' limit ' || postern.render_most(node), '')
    || case when node ?| '{offset,range}' then ' offset ' || postern.render_offset(node) else '' end;
end
$$;
comment on function postern.render_page(jsonb) is
  'Renders LIMIT and OFFSET of a node. Out: SQL; empty for neither. Raises nothing.';

create or replace function postern.render_limit(wanted text, most jsonb)
returns text
language plpgsql immutable parallel safe
as $$
begin
  return case when wanted is null then (most #>> '{}')::bigint::text
    when most is null then wanted
    else format('least(%s, %s)', wanted, (most #>> '{}')::bigint) end;
end
$$;
comment on function postern.render_limit(text, jsonb) is
  'Renders the smaller of a limit (SQL or null) and db-max-rows (or null). Out: SQL or null. Raises nothing.';

create or replace function postern.render_offset(node jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  skipped constant pg_catalog.text := coalesce(postern.render_value(node -> 'offset') || '::bigint', '0');
begin
  return case when node ? 'range'
    then format('greatest(%s::bigint, %s)', postern.render_value(node -> 'range' -> 'first'), skipped)
    else skipped end;
end
$$;
comment on function postern.render_offset(jsonb) is
  'Renders how many rows a node skips. Out: SQL; 0 for none. Raises nothing.';

create or replace function postern.render_order(node jsonb, alias text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  if not node ? 'order' then
    return null;
  end if;
  return (
    select ' order by ' || string_agg(postern.render_term(node, alias, term) || postern.render_direction(term), ', '
      order by place)
    from jsonb_array_elements(node -> 'order') with ordinality as terms(term, place));
end
$$;
comment on function postern.render_order(jsonb, text) is
  'Renders ORDER BY of a node. Out: SQL; null without order. Raises what postern.render_filter raises.';

create or replace function postern.render_term(node jsonb, alias text, term jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return case when term ? 'child'
    then postern.render_related(node -> 'children' -> (term ->> 'child')::int, alias, node, term -> 'field')
    else postern.render_reference(alias, term -> 'field') end;
end
$$;
comment on function postern.render_term(jsonb, text, jsonb) is
  'Renders what a term of order sorts by: a field of the relation or of a to-one embed. Raises as render_filter does.';

create or replace function postern.render_direction(term jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return coalesce(' ' || (term ->> 'direction'), '') || coalesce(' nulls ' || (term ->> 'nulls'), '');
end
$$;
comment on function postern.render_direction(jsonb) is
  'Renders the direction of a term of order and where its nulls go. Out: SQL; empty for neither. Raises nothing.';

create or replace function postern.render_related(child jsonb, parent text, parent_node jsonb, field jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return format('(select %s from %s%s%s)', postern.render_reference(child ->> 'alias', field),
    postern.render_source(child, postern.render_row(parent_node)),
    ' where ' || postern.render_where(child, child ->> 'alias', postern.render_join(child, parent, false)),
    case when child ?| '{limit,offset}' then format(' limit %s offset %s',
      postern.render_limit(postern.render_value(child -> 'limit') || '::bigint', '1'), postern.render_offset(child))
      else ' limit 1' end);
end
$$;
comment on function postern.render_related(jsonb, text, jsonb, jsonb) is
  'Renders a field of a to-one embed as a scalar, to order its parent by. In: child: the embed; the alias and node of '
  'its parent. Out: SQL, of null where limit or offset leave no row. Raises what postern.render_filter raises.';

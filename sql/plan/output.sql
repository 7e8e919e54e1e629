-- What nodes yield, and how rows are grouped.

create or replace function postern.plan_outputs(fields jsonb, children jsonb)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  own pg_catalog.jsonb := coalesce((
    select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
      'column', case when field ->> 'name' = '*' and not field ? 'aggregate' then '*' else 'f' || place || '$' end,
      'label', (field ->> 'label')::name, 'field', place, 'aggregate', field -> 'aggregate',
      'aggregate_cast', field -> 'aggregate_cast', 'distinct', field -> 'distinct', 'form', field -> 'form',
      'type', field -> 'type', 'nullable', field -> 'nullable')) order by place)
    from jsonb_array_elements(fields) with ordinality as listed(field, place)), '[]');
begin
  if children = '[]' then
    return own;
  end if;
  return own || (
    select coalesce(jsonb_agg(output order by place, part), '[]')
    from (
      select place, 1::bigint as part, jsonb_build_object('column', 'e' || place, 'label', (child ->> 'label')::name,
        'child', place) as output
      from jsonb_array_elements(children) with ordinality as listed(child, place)
      where not child ?| '{spread,empty}'
      union all
      select place, part, case when (child -> 'relationship' ->> 'to_one')::boolean
          then output - 'field' || case when output ? 'form' then '{"nullable": true}' else '{}'::jsonb end
          else jsonb_build_object('label', output -> 'label', 'form', 'bare', 'type', 'json', 'nullable', false) end
        || jsonb_build_object('column', 's' || place || '_' || (output ->> 'column'), 'child', place,
          'inner', output -> 'column')
      from jsonb_array_elements(children) with ordinality as listed(child, place),
        jsonb_array_elements(child -> 'outputs') with ordinality as outputs(output, part)
      where child ? 'spread'
    ) as outputs);
end
$$;
comment on function postern.plan_outputs(jsonb, jsonb) is
  'What a node yields, in order. In: its fields and children. Out: outputs of a node; a label is as long as PostgreSQL '
  'leaves it; a to-one spread hands its columns and aggregates up, a to-many one JSON for each column. Raises nothing.';

create or replace function postern.groups_rows(outputs jsonb, embed jsonb, to_one boolean)
returns boolean
language plpgsql immutable strict parallel safe
as $$
declare
  aggregates constant boolean := outputs @? '$[*].aggregate';
begin
  if aggregates and embed ? 'spread' and not to_one then
    perform postern.fail('PGRST127', 'Feature not implemented',
      'Aggregate functions inside a one-to-many or many-to-many spread');
  end if;
  return aggregates and not embed ? 'spread';
end
$$;
comment on function postern.groups_rows(jsonb, jsonb, boolean) is
  'Whether a node has aggregates of its own rows, not of those of a parent that it is spread into. In: outputs; embed: '
  'postern.plan_child, or {}; to_one: whether the embed is. Raises PGRST127 for aggregates in a to-many spread.';

create or replace function postern.plan_grouped(node jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  terms pg_catalog.jsonb := '[]';
  conditions pg_catalog.jsonb := '[]';
  hidden pg_catalog.jsonb := postern.uncast_groups(node);
  item pg_catalog.jsonb;
  made pg_catalog.jsonb;
begin
  for item in select t from jsonb_array_elements(node -> 'order') as t loop
    if not item ? 'aggregate' then
      made := postern.group_column(node, hidden, item);
      hidden := made -> 'hidden';
      item := item || jsonb_build_object('column', made -> 'column');
    end if;
    terms := terms || jsonb_build_array(item);
  end loop;
  for item in select c from jsonb_array_elements(node -> 'having') as c loop
    made := postern.group_condition(node, hidden, item);
    hidden := made -> 'hidden';
    conditions := conditions || jsonb_build_array(made -> 'tree');
  end loop;
  return postern.grouped(node) || jsonb_strip_nulls(jsonb_build_object('order', nullif(terms, '[]'),
    'having', nullif(conditions, '[]'), 'hidden', nullif(hidden, '[]')));
end
$$;
comment on function postern.plan_grouped(jsonb) is
  'A grouped node with its order and conditions of groups resolved to what it is grouped by. In: the node. Out: the '
  'node with column in terms and conditions, hidden? and grouped, its spreads too. A column with a cast and no alias '
  'is grouped by as it is without, as in PostgREST. Raises 42803 for what groups do not decide, 42703 for no column.';

create or replace function postern.not_grouped(node jsonb, term jsonb)
returns void
language plpgsql stable strict parallel safe
as $$
begin
  if term ? 'child' or exists (
      select from pg_attribute as a
      where a.attrelid = (node ->> 'oid')::oid and a.attname = term ->> 'name' and a.attnum > 0)
    or exists (
      select from pg_class as c
      join pg_proc as p on p.proname = term ->> 'name' and p.pronargs = 1 and p.proargtypes[0] = c.reltype
      where c.oid = (node ->> 'oid')::oid)
  then
    raise exception using errcode = 'grouping_error',
      message = format('column "%s" is not among the columns that the result is grouped by', term ->> 'name');
  end if;
  raise exception using errcode = 'undefined_column',
    message = format('column %s.%s does not exist', node ->> 'relation', term ->> 'name');
end
$$;
comment on function postern.not_grouped(jsonb, jsonb) is
  'Refuses a term of order that a group of the node does not decide. Raises 42803, or 42703 for no such column.';

create or replace function postern.grouped(node jsonb)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
begin
  return node || jsonb_build_object('grouped', true, 'children', coalesce((
    select jsonb_agg(case when child ? 'spread' then postern.grouped(child) else child end order by place)
    from jsonb_array_elements(node -> 'children') with ordinality as listed(child, place)), '[]'));
end
$$;
comment on function postern.grouped(jsonb) is
  'Marks a node and its spreads as grouped: their columns are grouped by, so what they yield must be of types that can '
  'be. In: the node. Out: the node with grouped, in its spreads too. Raises nothing.';

create or replace function postern.grouped_column(node jsonb, term jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select case when not term ? 'child' then 'f' || place || '$'
      when owner ? 'spread' then 's' || (term ->> 'child')::int + 1 || '_f' || place || '$' end
    from (select case when term ? 'child' then node -> 'children' -> (term ->> 'child')::int
      else node end as owner) as owners,
      jsonb_array_elements(owner -> 'fields') with ordinality as fields(field, place)
    where not field ? 'aggregate' and (term ? 'child' or not field ?| '{cast,transform}')
      and (field ->> 'name' = term ->> 'name' and field -> 'path' is not distinct from term -> 'path'
        or term ? 'child' and field ->> 'label' = term ->> 'name')
    limit 1);
end
$$;
comment on function postern.grouped_column(jsonb, jsonb) is
  'Finds a term of order in what a node is grouped by. Out: the column, as outputs name it, or null. Raises nothing.';

create or replace function postern.uncast_groups(node jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
begin
  if not node -> 'fields' @? '$[*].cast' then
    return '[]';
  end if;
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
      'column', 'pgrst_g' || place, 'field', field - '{cast,transform}'::text[]) order by place), '[]')
    from (
      select field, row_number() over (order by at) as place
      from jsonb_array_elements(node -> 'fields') with ordinality as listed(field, at)
      where field ? 'cast' and field -> 'label' = field -> 'name' and not field ?| '{aggregate,path}' and not exists (
        select from pg_attribute as a
        where a.attrelid = (node ->> 'oid')::oid and a.attname = field ->> 'name'
          and a.atttypid in ('json'::regtype, 'xml'::regtype))
    ) as numbered);
end
$$;
comment on function postern.uncast_groups(jsonb) is
  'What a node is grouped by besides its fields: each column that has a cast and no alias, without the cast, where its '
  'type can be grouped by. In: the node. Out: hidden of the node, [] for none. Raises nothing.';

create or replace function postern.hidden_column(hidden jsonb, term jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return case when not term ?| '{child,path}'
    then jsonb_path_query_first(hidden, '$[*] ? (@.field.name == $name).column', term) #>> '{}' end;
end
$$;
comment on function postern.hidden_column(jsonb, jsonb) is
  'Finds a term of order in hidden of a node. Out: the column; null when it is not there. Raises nothing.';

create or replace function postern.follows_group(node jsonb, term jsonb)
returns boolean
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select not term ? 'child' and (
      grouped.names @> array[term ->> 'name']
      or exists (
        select from pg_constraint as c
        where c.conrelid = (node ->> 'oid')::oid and c.contype = 'p' and not c.condeferrable and grouped.names @> array(
          select a.attname::text from pg_attribute as a where a.attrelid = c.conrelid and a.attnum = any(c.conkey))))
    from (
      select array_agg(field ->> 'name') as names
      from jsonb_array_elements(node -> 'fields') as field
      where not field ?| '{aggregate,path}' and (not field ?| '{cast,transform}' or field -> 'label' = field -> 'name')
    ) as grouped);
end
$$;
comment on function postern.follows_group(jsonb, jsonb) is
  'Whether the rows of a group have one value of what a term of order means: it is in a column that is grouped by, or '
  'the primary key is grouped by. In: the node, the term. Out: true; else false or null. Raises nothing.';

create or replace function postern.check_spread(outputs jsonb)
returns void
language plpgsql immutable strict parallel safe
as $$
declare
  twice constant pg_catalog.text := (
    select output ->> 'label' from jsonb_array_elements(outputs) as output group by 1 having count(*) > 1 limit 1);
begin
  if twice is not null then
    raise exception using errcode = 'ambiguous_column',
      message = format('two columns of a spread have the name "%s"', twice);
  end if;
end
$$;
comment on function postern.check_spread(jsonb) is
  'Refuses a spread with two columns of one name. In: its outputs. Raises 42702 for them.';

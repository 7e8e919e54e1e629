-- Fields, filters and orders against the columns of their relation.

create or replace function postern.column_map(columns jsonb)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select coalesce(jsonb_object_agg(item ->> 'name', item), '{}') from jsonb_array_elements(columns) as item);
end
$$;
comment on function postern.column_map(jsonb) is 'Columns (postern.relation_columns) by name.';

create or replace function postern.with_computed(map jsonb, relation oid, entries jsonb)
returns jsonb
language plpgsql stable parallel safe
as $$
begin
  if relation is null or not entries @? '$.**.operator ? (@ like_regex "fts$")' then
    return map;
  end if;
  return (
    select coalesce(jsonb_object_agg(p.proname, jsonb_build_object('name', p.proname, 'base', 'tsvector')), '{}')
    from pg_class as c
    join pg_proc as p on p.pronamespace = c.relnamespace and p.pronargs = 1 and p.proargtypes[0] = c.reltype
    where c.oid = relation and p.prorettype = 'tsvector'::regtype) || map;
end
$$;
comment on function postern.with_computed(jsonb, oid, jsonb) is
  'The columns of a relation by name (postern.column_map), and where entries have a full text search its computed '
  'fields of the type tsvector.';

create or replace function postern.with_sets(fields jsonb, relation oid)
returns jsonb
language plpgsql stable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select jsonb_agg(case when made.set is null then field else field || jsonb_build_object('set', made.set) end
      order by place)
    from jsonb_array_elements(fields) with ordinality as listed(field, place)
    left join lateral (
      select jsonb_build_object('schema', n.nspname, 'name', p.proname) as set
      from pg_class as c
      join pg_proc as p on p.proname = field ->> 'name' and p.pronargs = 1 and p.proargtypes[0] = c.reltype
        and p.proretset
      join pg_namespace as n on n.oid = p.pronamespace
      where c.oid = relation
      order by n.oid = c.relnamespace desc
      limit 1
    ) as made on true);
end
$$;
comment on function postern.with_sets(jsonb, oid) is
  'Fields of a relation, with set: {schema, name}, the function, in those computed fields that are sets.';

create or replace function postern.folds(fields jsonb, columns jsonb, relation oid)
returns boolean
language plpgsql stable strict parallel safe
as $$
#variable_conflict use_column
begin
  return exists (
    select
    from jsonb_array_elements(fields) as field
    join pg_proc as p on p.proname = field ->> 'name' and p.prokind = 'a' and p.pronargs = 1
      and p.proargtypes[0] in ('"any"'::regtype, 'anyelement'::regtype, 'anynonarray'::regtype)
    where p.pronamespace = 'pg_catalog'::regnamespace and not columns ? (field ->> 'name')
      and not exists (
        select from pg_class as c
        join pg_proc as own on own.proargtypes[0] = c.reltype and own.pronargs = 1 and own.proname = p.proname
        where c.oid = relation));
end
$$;
comment on function postern.folds(jsonb, jsonb, oid) is
  'Whether a field is an aggregate of the row in functional notation, as count in posts(count): no column and no '
  'computed field has its name.';

create or replace function postern.plan_reference(columns jsonb, item jsonb)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select jsonb_strip_nulls(jsonb_build_object('name', item -> 'name', 'path', item -> 'path',
      'to_json', case when item ? 'path' and (columns -> (item ->> 'name') ->> 'type' in ('json',
        'jsonb')) is not true then true end,
      'tsvector', case when columns -> (item ->> 'name') ->> 'base' = 'tsvector' then true end)));
end
$$;
comment on function postern.plan_reference(jsonb, jsonb) is
  'A column with its JSON path: to_json where the path must go through to_jsonb, as the column is no JSON itself; '
  'tsvector where it is one.';

create or replace function postern.cast_type(name text)
returns text
language plpgsql stable strict parallel unsafe
as $$
declare
  own_path constant pg_catalog.text := current_setting('search_path');
  type pg_catalog.regtype;
begin
  perform set_config('search_path', current_setting('postern.path') || ', pg_temp', true);
  begin
    type := to_regtype(name);
  exception when syntax_error_or_access_rule_violation then
    null; -- up to version 15 for what is not of the form of a type, as "a b"
  end;
  perform set_config('search_path', own_path, true);
  if type is null or name ~ '^[0-9]+$' then -- a number is taken for an oid, from version 16 on
    raise exception using errcode = 'undefined_object', message = format('type "%s" does not exist', name);
  end if;
  return case when exists (select from pg_type as t where t.oid = type and t.typnamespace = 'pg_catalog'::regnamespace)
    then postern.type_reference(btrim(name)) else type::text end;
end
$$;
comment on function postern.cast_type(text) is
  'The type of a cast, if there is one of that name on the search path of the API (postern.api_path), as it can stand '
  'in a statement. Else raises 42704 with PostgreSQL''s words. Source: PostgREST docs, references/api/tables_views, '
  '"Casting Columns".';

create or replace function postern.column_field(item jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select jsonb_strip_nulls(jsonb_build_object('name', item -> 'name', 'label', item -> 'name',
      'tsvector', case when item ->> 'base' = 'tsvector' then true end,
      'transform', transform, 'form', form, 'type', case when form in ('bare', 'quoted') then item -> 'base' end,
      'nullable', case when form is not null then item -> 'nullable' end))
    from (select case when (item ->> 'type_oid')::bigint >= 16384
        then postern.representation((item ->> 'type_oid')::oid, 'json'::regtype) end as transform) as shown,
      lateral (select case when transform is null then postern.json_form(item ->> 'base') end as form) as plain);
end
$$;
comment on function postern.column_field(jsonb) is
  'A column (postern.relation_columns) as a field under its own name, with the representation as JSON that its '
  'domain has, and how it is written (postern.json_form).';

create or replace function postern.plan_field(columns jsonb, item jsonb)
returns jsonb
language plpgsql stable strict parallel unsafe
as $$
declare
  made pg_catalog.jsonb := case when item ? 'path' or not columns ? (item ->> 'name')
    then postern.plan_reference(columns, item)
    else postern.column_field(columns -> (item ->> 'name')) end;
begin
  if item ?| '{cast,aggregate}' then
    made := made - '{form,type,nullable}'::text[] || jsonb_strip_nulls(jsonb_build_object(
      'cast', postern.cast_type(item ->> 'cast'), 'aggregate', item -> 'aggregate',
      'aggregate_cast', postern.cast_type(item ->> 'aggregate_cast')));
  end if;
  return made || jsonb_build_object('label',
    coalesce(item ->> 'alias', item ->> 'aggregate', postern.last_key(item -> 'path'), item ->> 'name'));
end
$$;
comment on function postern.plan_field(jsonb, jsonb) is
  'An item of select as a field (fields of a node): its reference, casts, aggregate, the representation as JSON that '
  'its domain has, how it is written, and its label in the answer. 42704 for a cast to a type that does not exist.';

create or replace function postern.expand_star(columns jsonb, fields jsonb, forced boolean)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  own pg_catalog.jsonb;
begin
  if columns = '[]' or not fields @? '$[*] ? (@.name == "*" && !exists (@.aggregate))' then
    return fields;
  end if;
  own := (
    select jsonb_agg(postern.column_field(item) order by place)
    from jsonb_array_elements(columns) with ordinality as listed(item, place));
  if not forced and not own @? '$[*].transform' then
    return fields;
  end if;
  return (
    select jsonb_agg(coalesce(shown, field) order by place, position)
    from jsonb_array_elements(fields) with ordinality as listed(field, place)
    left join jsonb_array_elements(own) with ordinality as owned(shown, position)
      on field ->> 'name' = '*' and not field ? 'aggregate');
end
$$;
comment on function postern.expand_star(jsonb, jsonb, boolean) is
  'Fields with * replaced by the columns, where that is forced or a column has a representation of its own; else '
  'unchanged.';

create or replace function postern.last_key(path jsonb)
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select step ->> 'key'
    from jsonb_array_elements(path) with ordinality as steps(step, place)
    where step ? 'key'
    order by place desc
    limit 1);
end
$$;
comment on function postern.last_key(jsonb) is 'The last key (not index) of a JSON path; null when there is none.';

create or replace function postern.is_builtin_operator(operator text, columns jsonb, filter jsonb)
returns boolean
language plpgsql immutable strict parallel safe
as $$
declare
  known pg_catalog.jsonb := columns -> (filter ->> 'name');
  base pg_catalog.text := known ->> 'base';
  kind pg_catalog.text := known ->> 'operators';
begin
  if filter ? 'path' then
    base := case when filter -> 'path' -> -1 ->> 'op' = '->>' then 'text' when known ->> 'type' = 'json' then 'json'
      else 'jsonb' end;
    kind := 'builtin';
  end if;
  return case
    when kind is null then false
    when operator in ('eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'in', 'isdistinct')
      then base not in ('json', 'xml', 'point', 'polygon')
    when operator in ('like', 'ilike', 'match', 'imatch')
      then base in ('text', 'character varying', 'character', 'name')
    when operator in ('cs', 'cd') then kind = 'range' or kind = 'array' and base <> 'integer[]' or base = 'jsonb'
    when operator = 'ov' then kind = 'range' or kind = 'array' and base <> 'integer[]' or base in ('inet', 'cidr')
    when operator in ('sl', 'sr') then kind = 'range' or base in ('inet', 'cidr')
    else kind = 'range' end;
end
$$;
comment on function postern.is_builtin_operator(text, jsonb, jsonb) is
  'Whether a filter compares by an operator of PostgreSQL, so that it must be that and not one of the same name which '
  'somebody has put on the search path. Not where the type has its own (postern.operator_kind), or may be given some, '
  'as intarray does to integer[] and many to json; nor for a computed field, whose type is not known. operator: a name '
  'of postern.operators; columns: postern.column_map.';

create or replace function postern.plan_filter(columns jsonb, filter jsonb, children jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  expr pg_catalog.jsonb := filter -> 'expr';
  known pg_catalog.jsonb := columns -> (filter ->> 'name');
  pattern boolean := expr ->> 'operator' in ('like', 'ilike');
  place int;
begin
  if expr ->> 'operator' = 'is' and expr ->> 'value' = 'null' and not filter ? 'path' then
    place := postern.child_place(children, filter ->> 'name', false);
    if place is not null then
      return jsonb_build_object('exists', place, 'not', coalesce((expr ->> 'not')::boolean, false) is false);
    end if;
  end if;
  if pattern and expr ? 'value' then
    expr := expr || jsonb_build_object('value', replace(expr ->> 'value', '*', '%'));
  end if;
  return jsonb_strip_nulls(jsonb_build_object('field', postern.plan_reference(columns, filter), 'expr', expr,
    'builtin', case when postern.is_builtin_operator(expr ->> 'operator', columns, filter) then true end,
    'like', case when pattern then expr -> 'param' end, 'transform', case when (known ->> 'type_oid')::bigint >= 16384
      then postern.representation('text'::regtype, (known ->> 'type_oid')::oid) end));
end
$$;
comment on function postern.plan_filter(jsonb, jsonb, jsonb) is
  'A filter as {field, expr, builtin?: postern.is_builtin_operator, like: the parameter that is a pattern, in whose '
  'value * stands for %, transform: the function that makes the column''s domain from text}, or, when it is a null '
  'test of an embed, {exists: place of the child, not}.';

create or replace function postern.plan_likes(node jsonb)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select coalesce(jsonb_agg(distinct param), '[]') from jsonb_path_query(node, '$.**.like') as param);
end
$$;
comment on function postern.plan_likes(jsonb) is
  'The numbers of the parameters that are patterns of like and ilike, in a node and all below: whoever gives their '
  'values has to write % for each *.';

create or replace function postern.plan_logic(columns jsonb, tree jsonb, children jsonb)
returns jsonb
language plpgsql stable strict parallel safe
as $$
begin
  if not tree ? 'of' then
    return postern.plan_filter(columns, tree, children);
  end if;
  return tree || jsonb_build_object('of', (
    select jsonb_agg(postern.plan_logic(columns, branch, children) order by place)
    from jsonb_array_elements(tree -> 'of') with ordinality as branches(branch, place)));
end
$$;
comment on function postern.plan_logic(jsonb, jsonb, jsonb) is 'A logic tree with each of its filters planned.';

create or replace function postern.plan_order(columns jsonb, term jsonb, children jsonb, relation text)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  place int;
begin
  if not term ? 'relation' then
    return term || jsonb_build_object('field', postern.plan_reference(columns, term));
  end if;
  place := postern.child_place(children, term ->> 'relation', false);
  if place is null then
    perform postern.not_embedded(term ->> 'relation', null);
  elsif not (children -> place -> 'relationship' ->> 'to_one')::boolean then
    perform postern.fail('PGRST118', format('The result cannot be ordered by a column of ''%s''', term ->> 'relation'),
      format('''%s'' and ''%s'' do not form a many-to-one or one-to-one relationship', relation, term ->> 'relation'));
  end if;
  return term || jsonb_build_object('child', place, 'field', coalesce((
      select field from jsonb_array_elements(children -> place -> 'fields') as field
      where field ->> 'label' = term ->> 'name' and not term ? 'path' limit 1),
    postern.plan_reference(postern.column_map(postern.relation_columns((children -> place ->> 'oid')::oid)), term)));
end
$$;
comment on function postern.plan_order(jsonb, jsonb, jsonb, text) is
  'A term of order with its reference; child: place of the to-one embed whose column it is. PGRST108 when that is '
  'not embedded, PGRST118 when it is to-many.';

create or replace function postern.computed_names(node jsonb, columns jsonb)
returns text[]
language plpgsql immutable strict parallel safe
as $$
begin
  return array(
    select distinct name
    from (
      select field ->> 'name' as name from jsonb_array_elements(node -> 'fields') as field where not field ? 'set'
      union all
      select term -> 'field' ->> 'name' from jsonb_array_elements(node -> 'order') as term where not term ? 'child'
      union all
      select leaf ->> 'name' from jsonb_path_query(node -> 'where', 'lax $.**.field') as leaf
    ) as used
    where name <> '*' and columns <> '[]' and not columns @> jsonb_build_array(jsonb_build_object('name', name)));
end
$$;
comment on function postern.computed_names(jsonb, jsonb) is
  'What a node names that is no column of its relation: computed fields, to be computed while the row type is known. '
  'Not those that are sets, which RETURNING does not take: they are computed from the row (postern.render_fields). '
  'Source: PostgREST docs, references/api/computed_fields.';

create or replace function postern.child_place(children jsonb, name text, by_relation boolean)
returns int
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select place::int - 1
    from jsonb_array_elements(children) with ordinality as nodes(child, place)
    where child ->> 'label' = name or by_relation and child ->> 'name' = name
    order by place
    limit 1);
end
$$;
comment on function postern.child_place(jsonb, text, boolean) is
  'Place (from 0) of the first embed of that label, or of that relation name; null when there is none.';

create or replace function postern.not_embedded(name text, alias text)
returns void
language plpgsql immutable parallel safe
as $$
begin
  perform postern.fail('PGRST108', format('''%s'' is not embedded by this request', name),
    case when alias is not null then 'An embed that has an alias goes by its alias in filters, orders and limits' end,
    case when alias is null then format('Put %s(...) into the select parameter', name)
      else format('Write ''%s'' in place of ''%s''', alias, name) end);
end
$$;
comment on function postern.not_embedded(text, text) is 'Raises PGRST108; alias: of the embed that was probably meant.';

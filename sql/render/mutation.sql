-- INSERT, UPDATE and DELETE. Each stands under a guard (postern.render_guard), so that none is planned after DDL.

create or replace function postern.render_inserted_rows()
returns text
language plpgsql immutable parallel safe
as $$
begin
  return 'pg_catalog.concat(''0'', pg_catalog.current_setting(''postern.inserted'', true))::int';
end
$$;
comment on function postern.render_inserted_rows() is
  'Renders how many rows the setting postern.inserted has counted (postern.render_count_row). Raises nothing.';

create or replace function postern.render_count_row(step int)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return format('pg_catalog.set_config(''postern.inserted'', (%s operator(pg_catalog.+) %s)::pg_catalog.text, true) '
    'is not null', postern.render_inserted_rows(), step);
end
$$;
comment on function postern.render_count_row(int) is
  'Renders a condition that is true and counts rows in the transaction''s setting postern.inserted, which only postern '
  'writes. In: 1 for a row on offer, -1 for one that was updated instead. Out: SQL. Raises nothing.';

create or replace function postern.render_insert(
  node jsonb, columns jsonb, body text, conflict text[], resolution text, put boolean, counts boolean,
  returning_list text, guard text)
returns text
language plpgsql immutable parallel safe
as $$
begin
  return (
    select format('insert into %I.%I as %I%s select %s from %s where %s%s%s returning %s',
      node ->> 'schema', node ->> 'relation', node ->> 'alias', coalesce('(' || names || ')', ''),
      coalesce(read, ''), body, guard,
      case when put then ' and ' || postern.render_where(node || '{"children": []}', 'pgrst_body') else '' end
        || case when counts then ' and ' || postern.render_count_row(1) else '' end,
      case when resolution is null or conflict = '{}' then ''
        when resolution = 'ignore-duplicates' or names is null
          then format(' on conflict (%s)%s do nothing', targets, arbiter)
        else format(' on conflict (%s)%s do update set %s%s', targets, arbiter, assigned,
          case when counts then ' where ' || postern.render_count_row(-1) else '' end) end,
      returning_list)
    from (
      select string_agg(quote_ident(field ->> 'name'), ', ' order by place) as names,
        string_agg(format('pgrst_body.%I', field ->> 'name'), ', ' order by place) as read,
        string_agg(format('%I = excluded.%1$I', field ->> 'name'), ', ' order by place) as assigned,
        (select string_agg(quote_ident(name), ', ') from unnest(conflict) as name) as targets,
        ' where ' || (node ->> 'arbiter') as arbiter
      from jsonb_array_elements(columns) with ordinality as fields(field, place)
    ) as lists);
end
$$;
comment on function postern.render_insert(jsonb, jsonb, text, text[], text, boolean, boolean, text, text) is
  'Renders the INSERT of the payload''s rows. In: columns: postern.plan_payload; body: render_payload; conflict: '
  'columns of ON CONFLICT; resolution: merge-duplicates, ignore-duplicates or null; put: only the row that the node''s '
  'filters name; counts: render_count_row; the RETURNING list; render_guard. Raises as render_filter does.';

create or replace function postern.render_update(node jsonb, columns jsonb, body text, returning_list text, guard text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  assigned constant pg_catalog.text := (
    select string_agg(format('%I = pgrst_body.%1$I', field ->> 'name'), ', ')
    from jsonb_array_elements(columns) as field
    where not coalesce(node -> 'key' @> jsonb_build_array(jsonb_build_object('name', field -> 'name')), false));
begin
  if assigned is null then
    return format('select %s from %I.%I as %I where false', returning_list, node ->> 'schema', node ->> 'relation',
      node ->> 'alias');
  end if;
  return format('%supdate %I.%I as %I set %s from %s where %s returning %s',
    case when node ? 'key' then format('with pgrst_body as materialized (select pgrst_body.* from %s) ', body) end,
    node ->> 'schema', node ->> 'relation', node ->> 'alias', assigned,
    case when node ? 'key' then 'pgrst_body' else body end,
    concat_ws(' and ', guard, postern.render_written_where(node), postern.render_key(node),
      case when node ? 'put' then postern.render_where(node || '{"children": []}', 'pgrst_body') end,
      postern.render_match(node)), returning_list);
end
$$;
comment on function postern.render_update(jsonb, jsonb, text, text, text) is
  'Renders the UPDATE of the rows that the node''s conditions leave: by key from the row of the payload that has their '
  'key, for a PUT (put) from the row that its filters name. With If-Match (match) a row must be in one of its '
  'versions. In: as of postern.render_insert. Without columns no row is updated. Raises as render_filter does.';

create or replace function postern.render_delete(node jsonb, returning_list text, guard text)
returns text
language plpgsql immutable parallel safe
as $$
begin
  return format('delete from %I.%I as %I where %s returning %s',
    node ->> 'schema', node ->> 'relation', node ->> 'alias',
    concat_ws(' and ', guard, postern.render_written_where(node), postern.render_match(node)), returning_list);
end
$$;
comment on function postern.render_delete(jsonb, text, text) is
  'Renders the DELETE of the rows that the node''s conditions, and If-Match, leave. Raises as render_filter does.';

create or replace function postern.render_returning(node jsonb, pk text[], representation text)
returns text
language plpgsql immutable parallel safe
as $$
begin
  return case
    when representation = 'representation'
        and (node -> 'fields' @? '$[*] ? (@.name == "*" || exists (@.set))'
          or node -> 'children' @> '[{"relationship": {"kind": "computed"} }]')
      then format('%I.*', node ->> 'alias') || coalesce((
        select string_agg(format(', %I.%I', node ->> 'alias', name), '')
        from unnest(postern.computed_names(node - 'where', node -> 'columns')) as name), '')
    when representation = 'representation' or representation = 'headers-only' and pk <> '{}' then (
      select string_agg(format('%I.%I', node ->> 'alias', name), ', ' order by name collate "C")
      from (
        select unnest(pk) as name
        union
        select field ->> 'name' from jsonb_array_elements(node -> 'fields') as field
        where representation = 'representation'
        union
        select term -> 'field' ->> 'name' from jsonb_array_elements(node -> 'order') as term
        where representation = 'representation' and not term ? 'child'
        union
        select pair ->> 0 from jsonb_array_elements(node -> 'children') as child,
          jsonb_array_elements(coalesce(child -> 'relationship' -> 'junction' -> 'source',
            child -> 'relationship' -> 'columns')) as pair
        where representation = 'representation'
      ) as needed)
    else '1 as nothing' end
    || case when node ? 'tagged' then format(', %s as pgrst_version',
      postern.render_version(node -> 'version', node ->> 'alias')) else '' end;
end
$$;
comment on function postern.render_returning(jsonb, text[], text) is
  'Renders the RETURNING list of a write. In: the node; its primary key; representation: of Prefer return. Out: SQL of '
  'the columns that a representation selects, orders and joins by; of the key for that and for headers-only; and of '
  'the row''s version where the answer has an entity tag (tagged). Raises nothing.';

create or replace function postern.render_location(node jsonb, pk text[])
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  whole constant boolean := node -> 'fields' @> '[{"name": "*"}]'
    or node -> 'children' @> '[{"relationship": {"kind": "computed"} }]';
begin
  return (
    select format('(select pg_catalog.concat(%L, pg_catalog.concat_ws(''&'', %s)) from pgrst_source)',
      '/' || postern.percent_encode(node ->> 'relation') || '?',
      string_agg(format('pg_catalog.concat(%L, coalesce(''eq.'' operator(pg_catalog.||) postern.percent_encode('
          'pg_catalog.to_json(pgrst_source.%I) operator(pg_catalog.#>>) ''{}''), ''is.null''))',
          postern.percent_encode(name) || '=', name),
        ', ' order by case when whole then place end, name collate "C"))
    from jsonb_array_elements(node -> 'columns') with ordinality as columns(field, place),
      lateral (select field ->> 'name' as name) as named
    where name = any(pk));
end
$$;
comment on function postern.render_location(jsonb, text[]) is
  'Renders the Location of the one row that was inserted: its primary key as filters. In: pk: the key. Out: SQL; the '
  'filters are in the order of the columns, or of their names where columns are selected. Raises nothing.';

create or replace function postern.render_write_status(method text, full_answer boolean, resolution text)
returns text
language plpgsql immutable parallel safe
as $$
begin
  return case
    when method = 'POST' and resolution = 'merge-duplicates' or method = 'PUT' and full_answer
      then format('case when %s operator(pg_catalog.>) 0 then ''201'' else ''200'' end', postern.render_inserted_rows())
    when method = 'POST' then '201'
    when full_answer then '200'
    else '204' end;
end
$$;
comment on function postern.render_write_status(text, boolean, text) is
  'Renders the status of a write. In: full_answer: with a representation; resolution: as of postern.render_insert. '
  'Out: SQL. A POST that merges duplicates, and a PUT with a representation, have 201 where a row was created, else '
  '200; any other POST has 201; others have 200 with a representation, else 204. Raises nothing.';

-- Writes.

create or replace function postern.compile_write(context jsonb, name text, trees jsonb)
returns postern.compiled
language plpgsql stable
as $$
declare
  method text := context ->> 'method';
  relation jsonb := postern.require_relation(context ->> 'schema', name);
  columns jsonb := postern.relation_columns((relation ->> 'oid')::oid);
  node jsonb := postern.plan_root(context, relation, columns, trees);
  pk text[] := coalesce(postern.relation_pk((relation ->> 'oid')::oid), '{}');
  preferences jsonb := context -> 'preferences';
  conflict text[] := case when trees ? 'on_conflict' and method = 'POST' then array(select jsonb_array_elements_text(trees -> 'on_conflict')) else pk end;
  resolution text := case method when 'PUT' then 'merge-duplicates' when 'POST' then preferences ->> 'resolution' end;
  returning_list text := postern.render_returning(node, pk, preferences ->> 'return');
  payload jsonb;
  body text;
  mutation text;
  media jsonb;
begin
  if method = 'PUT' then
    perform postern.check_upsert(trees, pk);
  end if;
  if method <> 'DELETE' then
    payload := postern.plan_payload(name, columns, postern.payload_keys(trees));
    body := postern.render_payload(payload, case when trees ? 'empty' then '' else left(trees ->> 'json', 1) end,
      method in ('POST', 'PATCH') and coalesce(preferences ->> 'missing' = 'default', false), postern.payload_source());
  end if;
  if method = 'PUT' and not pk <@ postern.payload_keys(trees) then
    perform postern.key_mismatch();
  end if;
  media := postern.plan_media(context, node, name);
  node := postern.plan_rows(postern.for_media(node, media), 'write', false);
  if method in ('PATCH', 'DELETE') then
    node := node - 'where' || jsonb_strip_nulls(jsonb_build_object('where', postern.plan_where(columns, trees -> 'entries')));
  end if;
  if method = 'POST' and trees ->> 'json' like '{%' and trees -> 'params' = '0' and (resolution is null or conflict = '{}') and postern.answers_by_row(node, media, preferences ->> 'return') then
    return postern.render_insert_answer(context, node, media, payload, body, conflict <> '{}');
  end if;
  mutation := case method
    when 'PATCH' then postern.render_update(node, payload, body, returning_list)
    when 'DELETE' then postern.render_delete(node, returning_list)
    else postern.render_insert(node, payload, body, conflict, resolution, method = 'PUT', returning_list) end;
  return postern.render_write_answer(context, node, media, mutation, (trees ->> 'params')::int, pk, resolution, conflict <> '{}');
end
$$;
comment on function postern.compile_write(jsonb, text, jsonb) is
  'POST, PATCH, PUT or DELETE of a relation. Source: PostgREST docs, references/api/tables_views.';

create or replace function postern.render_location(node jsonb, pk text[])
returns text
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
declare
  whole boolean := node -> 'fields' @> '[{"name": "*"}]' or node -> 'children' @> '[{"relationship": {"kind": "computed"} }]';
begin
  return (
    select format('(select %L || concat_ws(''&'', %s) from pgrst_source)', '/' || (node ->> 'relation') || '?',
      string_agg(format('%L || coalesce(''eq.'' || postern.percent_encode(to_json(pgrst_source.%I) #>> ''{}''), ''is.null'')', postern.percent_encode(name) || '=', name), ', '
        order by case when whole then place end, name collate "C"))
    from jsonb_array_elements(node -> 'columns') with ordinality as columns(field, place), lateral (select field ->> 'name' as name) as named
    where name = any(pk));
end
$$;
comment on function postern.render_location(jsonb, text[]) is
  'SQL of the Location of the one row that was inserted: its primary key as filters, in the order of its columns, or of their names where columns are selected.';

create or replace function postern.answers_by_row(node jsonb, media jsonb, wanted text)
returns boolean
language plpgsql stable parallel safe
as $$
begin
  return wanted is distinct from 'headers-only' and media ->> 'handler' in ('json', 'object') and not media ? 'explain'
    and node -> 'children' = '[]' and node -> 'fields' <> '[]' and not node -> 'fields' @? '$[*].aggregate'
    and postern.inserts_plainly((node ->> 'oid')::oid);
end
$$;
comment on function postern.answers_by_row(jsonb, jsonb, text) is
  'Whether a row that is inserted is inserted for certain (postern.inserts_plainly) and can make the response by itself (postern.render_inserted). wanted: of Prefer return.';

create or replace function postern.render_insert_answer(context jsonb, node jsonb, media jsonb, payload jsonb, body text, resolved boolean)
returns postern.compiled
language plpgsql stable parallel safe
as $$
declare
  preferences jsonb := context -> 'preferences';
  shown jsonb := case when preferences ->> 'return' = 'representation' then media end;
begin
  return postern.compiled_statement(context, postern.render_insert(node, payload, body, '{}', null, false,
      postern.render_inserted(node, postern.with_star('201', (context ->> 'pre_request')::boolean),
        (postern.row_ranges('POST', coalesce(preferences ->> 'count' in ('exact', 'estimated'), false)))[1],
        postern.write_headers(context, node, shown, resolved), shown, postern.render_note(context, postern.write_runs_code(context, node, media)))), 0, media, null);
end
$$;
comment on function postern.render_insert_answer(jsonb, jsonb, jsonb, jsonb, text, boolean) is
  'The statement of a POST of one object, where the row makes the response (postern.answers_by_row). payload: its columns; body: as for postern.render_insert; resolved: as for postern.render_write_answer.';

create or replace function postern.write_runs_code(context jsonb, node jsonb, media jsonb)
returns boolean
language plpgsql stable parallel safe
as $$
begin
  return (context ->> 'pre_request')::boolean or postern.is_binary(media) or node -> 'fields' @? '$[*].cast' or postern.runs_code(node)
    or postern.insert_runs_code((node ->> 'oid')::oid);
end
$$;
comment on function postern.write_runs_code(jsonb, jsonb, jsonb) is
  'Whether code of the user''s may run in a write to a relation and its answer, which may set response.status or response.headers. What a foreign key does to other relations does not count: it comes when the answer is made.';

create or replace function postern.write_headers(context jsonb, node jsonb, media jsonb, resolved boolean)
returns text[]
language plpgsql immutable parallel safe
as $$
declare
  method text := context ->> 'method';
begin
  return postern.common_headers(context, media, array['return', 'count', 'tx', 'handling', 'timezone']
    || case when method = 'POST' and resolved then '{resolution}' else '{}'::text[] end
    || case when method in ('POST', 'PATCH') then '{missing}' else '{}'::text[] end
    || case when method in ('PATCH', 'DELETE') then '{max-affected}' else '{}'::text[] end) || postern.legacy_warning(node);
end
$$;
comment on function postern.write_headers(jsonb, jsonb, jsonb, boolean) is
  'The fixed headers of a write''s answer. media: of the representation, null where there is none; resolved: as for postern.render_write_answer.';

create or replace function postern.render_write_answer(context jsonb, node jsonb, media jsonb, mutation text, params int, pk text[], resolution text, resolved boolean)
returns postern.compiled
language plpgsql stable parallel safe
as $$
declare
  method text := context ->> 'method';
  preferences jsonb := context -> 'preferences';
  full_answer boolean := coalesce(preferences ->> 'return' = 'representation', false);
  strict_most text := case when preferences ->> 'handling' = 'strict' and method in ('PATCH', 'DELETE') then preferences ->> 'max-affected' end;
  total text := case when preferences ->> 'count' in ('exact', 'estimated') then 'count(*)' else 'null' end;
  headers text[] := postern.write_headers(context, node, case when full_answer then media end, resolved);
  body text := case when full_answer then postern.render_body(media, 'rows', node) end;
  status text := postern.render_guarded_status(postern.render_write_status(method, full_answer, resolution), 'count(*)',
    media ->> 'handler' = 'object', strict_most);
  rows text := case when full_answer then postern.render_rows(node - '{where,limit,offset,max_rows}'::text[], format('pgrst_source as %I', node ->> 'alias'), null, 'labels')
    else 'select from pgrst_source' end;
  leaves boolean := postern.has_triggers() or (context ->> 'pre_request')::boolean or node ->> 'heap' is null;
  note text := postern.render_note(context, postern.write_runs_code(context, node, media));
begin
  if method in ('PATCH', 'DELETE') and node ? 'single' and strict_most is null and not media ? 'explain'
    and (media ->> 'handler' = 'json' or full_answer and media ->> 'handler' = 'object') and not node -> 'fields' @? '$[*].aggregate'
  then
    return postern.compiled_statement(context, format('with pgrst_source as (%s) %s', mutation, postern.render_row_answer(rows,
        postern.with_star(case when full_answer then '200' else '204' end, leaves), postern.row_ranges(method, total <> 'null'),
        null, headers, case when full_answer then media end, note)), params, media, null);
  end if;
  return postern.compiled_statement(context, format('with pgrst_source as (%s) %s', mutation, postern.render_answer(
      case when method = 'PUT' then format('case when count(*) <> 1 then postern.key_mismatch() else (%s)::text end', status) else status end,
      nullif(concat_ws(', ',
        case when method <> 'PUT' then concat_ws(', ', quote_literal(E'\nContent-Range: '),
          format(case method when 'PATCH' then 'postern.content_range(0, count(*), %s)' else 'postern.content_range(1, 0, %s)' end, total)) end,
        postern.render_headers(headers),
        case when method = 'POST' and preferences ->> 'return' = 'headers-only' and pk <> '{}' then
          format('case when count(*) = 1 then %L || %s end', E'\nLocation: ', postern.render_location(node, pk)) end), ''),
      body, format('(%s) as pgrst_answer having count(*) >= 0', rows),
      media || jsonb_build_object('leaves', leaves), note)), params, media, null);
end
$$;
comment on function postern.render_write_answer(jsonb, jsonb, jsonb, text, int, text[], text, boolean) is
  'The statement of a write''s answer: the representation, Location or nothing, as Prefer return has it. resolved: whether there is a key that Prefer resolution can be about.';

create or replace function postern.render_write_status(method text, full_answer boolean, resolution text)
returns text
language plpgsql immutable parallel safe
as $$
#variable_conflict use_column
begin
  return (
    select case
      when method = 'POST' and resolution = 'merge-duplicates' then 'case when current_setting(''postern.inserted'')::int > 0 then 201 else 200 end'
      when method = 'POST' then '201'
      when not full_answer then '204'
      when method = 'PUT' then 'case when current_setting(''postern.inserted'')::int > 0 then 201 else 200 end'
      else '200' end);
end
$$;
comment on function postern.render_write_status(text, boolean, text) is
  'SQL of the status of a write: 201 where rows were created, 200 with a representation, else 204.';

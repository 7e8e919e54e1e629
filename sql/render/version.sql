-- The version of a row in SQL, and what If-Match makes of it.

create or replace function postern.render_version(version jsonb, alias text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  stored constant boolean := version -> 'stored' <> '[]';
begin
  return (
    select format(case when stored then 'pg_catalog.hash_record_extended(row(%s), 0)::pg_catalog.text'
        else 'pg_catalog.substr(pg_catalog.encode(pg_catalog.sha256(pg_catalog.record_send(row(%s))), ''base64''), 1, '
          '22)' end,
      string_agg(format(case item ->> 'how' when 'text' then '%I.%I::pg_catalog.text' else '%I.%I' end,
        alias, coalesce(item ->> 'name', item #>> '{}')), ', ' order by place))
    from jsonb_array_elements(version -> 'stored' || (version -> 'columns')) with ordinality as columns(item, place));
end
$$;
comment on function postern.render_version(jsonb, text) is
  'Renders the version of a row (postern.row_version): where it is stored, a hash with where and by whom it was '
  'written (a microsecond); else a digest of its values'' binary form, which no setting changes. Raises nothing.';

create or replace function postern.render_match(node jsonb)
returns text
language plpgsql immutable parallel safe
as $$
begin
  return case when node -> 'match' ? 'tags' then format(
    $sql$pg_catalog.strpos(%s, '"~' operator(pg_catalog.||) %s) operator(pg_catalog.>) 0$sql$,
    postern.render_value(node -> 'match' -> 'tags'), postern.render_version(node -> 'version', node ->> 'alias')) end;
end
$$;
comment on function postern.render_match(jsonb) is
  'Renders the condition that a row is in a version that the tags of If-Match have, without weak ones '
  '(postern.conditions). Out: SQL; null for * or no If-Match. It is a condition of the write itself: PostgreSQL looks '
  'at it again on a row that another transaction has changed. It looks for the version anywhere in the value, as that '
  'costs least: what is no list of tags may match, too, and of 2^60 other versions one. Raises nothing. Source: RFC '
  '9110, sections 8.8.3.2 and 13.1.1.';

create or replace function postern.render_required(node jsonb, written text, status text)
returns text
language plpgsql immutable parallel safe
as $$
begin
  if not node ? 'match' then
    return status;
  end if;
  status := case when status ~ '^[0-9]+$' then quote_literal(status) else status || '::pg_catalog.text' end;
  return case when node -> 'match' ? 'idle' then format(
      'case when exists (select from %I.%I as %I where %s) then %s else postern.precondition_failed() end',
      node ->> 'schema', node ->> 'relation', node ->> 'alias',
      concat_ws(' and ', postern.render_written_where(node), postern.render_match(node)), status)
    else format('case when %s then %s else postern.precondition_failed() end', written, status) end;
end
$$;
comment on function postern.render_required(jsonb, text, text) is
  'Renders the status of a write behind its precondition. In: the node; written: SQL of whether a row was written; '
  'status: SQL or a number. Out: the status without If-Match; else SQL that raises PGRST155 where no row was written, '
  'or, if nothing is to be written (match.idle), where there is no such row. Raises what postern.render_filter raises.';

create or replace function postern.render_put_refusal(node jsonb, body text)
returns text
language plpgsql immutable parallel safe
as $$
begin
  return format('case when exists (select from %s where %s) then postern.precondition_failed() '
    'else postern.key_mismatch() end', body, postern.render_where(node || '{"children": []}', 'pgrst_body'));
end
$$;
comment on function postern.render_put_refusal(jsonb, text) is
  'Renders why a PUT with a precondition has written no row. In: body: the payload, a FROM item. Out: SQL that raises '
  'PGRST115 where the body has another key than the URL, else 155. Raises as render_filter does.';

-- Answers with an entity tag (RFC 9110, section 8.8.3): "~VERSION.DIGEST", of the version of the row where the filters
-- name one (postern.render_version), and of the body. The digest makes it the tag of that one representation, the
-- version is what If-Match looks at. W/"~.DIGEST" are rows in an order that is not said to be the same next time.

create or replace function postern.render_tagged(context jsonb, node jsonb, statement text)
returns text
language plpgsql immutable parallel safe
as $$
declare
  version constant pg_catalog.jsonb := node -> 'version';
begin
  return format('select case when pgrst_tagged.shown then pgrst_plain.body end as body, pgrst_tagged.status, '
      'pgrst_tagged.headers, pgrst_plain.note from (%s offset 0) as pgrst_plain, '
      'lateral postern.tagged(pgrst_plain.status, pgrst_plain.headers, %s, postern.body_digest(pgrst_plain.body), '
      '%s, %L, %s, %s) as pgrst_tagged',
    statement, case when context ? 'head' then 'true' else 'false' end,
    case when version is null then 'null' else format('(select %s from %I.%I as %I where %s)',
      postern.render_version(version, node ->> 'alias'), node ->> 'schema', node ->> 'relation', node ->> 'alias',
      postern.render_where(jsonb_build_object('where', version -> 'where', 'children', '[]'::jsonb),
        node ->> 'alias')) end,
    case when version is not null then 'row' when node ? 'ordered' then 'strong' else 'weak' end,
    coalesce(postern.render_value(context -> 'if_match'), 'null'),
    coalesce(postern.render_value(context -> 'if_none_match'), 'null'));
end
$$;
comment on function postern.render_tagged(jsonb, jsonb, text) is
  'Wraps the statement of a read, so that its answer gets an entity tag and the request''s tags are looked at. In: '
  '{head?: no body is wanted; if_match?, if_none_match?: {param} or {value} }; the node of postern.plan_validator; SQL '
  'of the type postern.compiled. Out: the same, which may raise PGRST155. Raises as render_filter does.';

create or replace function postern.render_changed(node jsonb, answer text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  if not node ? 'tagged' then
    return answer;
  end if;
  return format('select pgrst_plain.body, pgrst_plain.status, postern.with_tag(pgrst_plain.headers, '
    '(select pgrst_source.pgrst_version from pgrst_source), postern.body_digest(pgrst_plain.body)) as headers, '
    'pgrst_plain.note from (%s offset 0) as pgrst_plain', answer);
end
$$;
comment on function postern.render_changed(jsonb, text) is
  'Renders the answer to a write (SQL over pgrst_source) with the row''s entity tag, where tagged. Raises nothing.';

-- SQL made of plans: names are quoted, values are parameters or literals.
begin;
select no_plan();

create function pg_temp.squeezed(made text) returns text language sql as $$ select regexp_replace(made, '\s+', ' ', 'g') $$;

-- References.
select is(postern.render_reference('films', field::jsonb), wanted, field)
from (values
  ('{"name": "id"}', 'films.id'),
  ('{"name": "Odd \"name\""}', 'films."Odd ""name"""'),
  ('{"name": "meta", "path": [{"op": "->", "key": "a"}, {"op": "->>", "index": -1}]}', 'films.meta->''a''->>-1'),
  ('{"name": "meta", "path": [{"op": "->>", "key": "it''s \\ \"x\""}]}', 'films.meta->>E''it''''s \\ "x"'''),
  ('{"name": "tags", "to_json": true, "path": [{"op": "->", "index": 0}]}', 'pg_catalog.to_jsonb(films.tags)->0')
) as cases(field, wanted);
select is(postern.render_reference('a"b', '{"name": "c%s"}'), '"a""b"."c%s"', 'an alias');

-- Values.
select is(postern.render_value('{"param": 7}'), '$7', 'a parameter');
select is(postern.render_value('{"value": "it''s"}'), '''it''''s''', 'a literal');
select is(testing.failure($$ select postern.render_value('{"param": "1); drop table x"}') $$), '22P02', 'a parameter is a number');

-- Filters.
select is(postern.render_filter('films', jsonb_build_object('field', jsonb_build_object('name', 'a'), 'expr', expr) || more), wanted, expr::text || ' ' || more::text)
from (values
  ('{"operator": "eq", "param": 2}'::jsonb, '{}'::jsonb, 'films.a = $2'),
  ('{"operator": "neq", "param": 2}', '{}', 'films.a <> $2'),
  ('{"operator": "eq", "not": true, "param": 2}', '{}', 'not (films.a = $2)'),
  ('{"operator": "like", "param": 2}', '{}', 'films.a like $2'),
  ('{"operator": "ilike", "quantifier": "any", "param": 2}', '{}', 'films.a ilike any($2::text[])'),
  ('{"operator": "gt", "quantifier": "all", "param": 2}', '{}', 'films.a > all($2)'),
  ('{"operator": "in", "param": 2}', '{}', 'films.a = any($2)'),
  ('{"operator": "in", "value": "(1,\"a,b\")"}', '{}', 'films.a = any(''{"1","a,b"}'')'),
  ('{"operator": "is", "value": "null"}', '{}', 'films.a is null'),
  ('{"operator": "is", "value": "not_null"}', '{}', 'films.a is not null'),
  ('{"operator": "isdistinct", "param": 2}', '{}', 'films.a is distinct from $2'),
  ('{"operator": "fts", "param": 2}', '{}', 'to_tsvector(films.a) @@ to_tsquery($2)'),
  ('{"operator": "wfts", "language": "eng''lish", "param": 2}', '{}', 'to_tsvector(''eng''''lish'', films.a) @@ websearch_to_tsquery(''eng''''lish'', $2)'),
  ('{"operator": "fts", "language": "simple", "param": 2}', '{"field": {"name": "a", "tsvector": true}}', 'films.a @@ to_tsquery(''simple'', $2)'),
  ('{"operator": "cs", "param": 2}', '{}', 'films.a @> $2'),
  ('{"operator": "eq", "param": 2}', '{"transform": "rooms.text_code"}', 'films.a = rooms.text_code($2)'),
  ('{"operator": "in", "param": 2}', '{"transform": "rooms.text_code"}', 'films.a = any(select rooms.text_code(element) from unnest($2::text[]) as element)')
) as cases(expr, more, wanted);
select is(array_agg(name order by name), null, 'operators that do not render')
from postern.operators() as known
where known.kind <> 'is' and postern.render_filter('t', jsonb_build_object('field', '{"name": "a"}'::jsonb, 'expr', jsonb_build_object('operator', known.name, 'param', 2))) !~ '\$2';

-- Logic trees.
select is(postern.render_condition('{}', 'films', '{"operator": "or", "not": true, "of": [
  {"field": {"name": "a"}, "expr": {"operator": "eq", "param": 2}},
  {"operator": "and", "not": false, "of": [{"field": {"name": "b"}, "expr": {"operator": "is", "value": "true"}}, {"field": {"name": "c"}, "expr": {"operator": "lt", "param": 3}}]}]}'),
  'not (films.a = $2 or (films.b is true and films.c < $3))', 'a logic tree');

-- Pages.
select is(postern.render_page(node::jsonb), wanted, node)
from (values
  ('{}', ''),
  ('{"limit": {"param": 2}}', ' limit $2::bigint'),
  ('{"limit": {"value": "5"}, "offset": {"param": 3}}', ' limit ''5''::bigint offset $3::bigint'),
  ('{"max_rows": 10}', ' limit 10'),
  ('{"limit": {"param": 2}, "max_rows": 10}', ' limit least($2::bigint, 10)'),
  ('{"range": 2}', ' limit postern.range_limit($2::bigint, $3::bigint, 0, null) offset greatest($2::bigint, 0)'),
  ('{"range": 2, "max_rows": 10, "limit": {"param": 4}, "offset": {"param": 5}}',
    ' limit least(postern.range_limit($2::bigint, $3::bigint, $5::bigint, $4::bigint), 10) offset greatest($2::bigint, $5::bigint)')
) as cases(node, wanted);
select is(testing.failure($$ select postern.render_page('{"max_rows": "1; drop"}') $$), '22P02', 'db-max-rows is a number');

-- Order.
select is(postern.render_order('{"order": [{"field": {"name": "a"}, "direction": "desc", "nulls": "last"}, {"field": {"name": "b", "path": [{"op": "->", "key": "c"}]}}]}', 't'),
  ' order by t.a desc nulls last, t.b->''c''', 'order');
select is(postern.render_order('{}', 't'), null, 'none');

-- Fields.
select is(postern.render_field('t', field::jsonb), wanted, field)
from (values
  ('{"name": "*"}', 't.*'), ('{"name": "*", "aggregate": "count"}', '1'), ('{"name": "a", "cast": "double precision"}', 'cast(t.a as double precision)'),
  ('{"name": "a", "transform": "rooms.f"}', 'rooms.f(t.a)')
) as cases(field, wanted);

-- Every parameter occurs.
select is(postern.finished('select $1, ''$2'', "$3" from t', 3, '1'), 'select $1, ''$2'', "$3" from t limit case when coalesce($2::text, $3::text) is null then 1 else 1 end', 'in quotes does not count');
select is(postern.finished('select $1, $10', 1, '1'), 'select $1, $10', 'all are there');
select is(postern.finished('select $10', 1, 'null::bigint'), 'select $10 limit case when coalesce($1::text) is null then null::bigint else null::bigint end', '$10 is not $1');

-- Payloads.
select is(postern.render_payload(columns::jsonb, form, defaults, 'src'), wanted, concat_ws(' ', columns, form, defaults))
from (values
  ('[{"name": "a", "type": "integer"}]', '{', false, '(select read.a from json_to_record((src)::json) as read(a integer)) as pgrst_body'),
  ('[{"name": "a", "type": "integer"}]', '[', false, '(select read.a from json_to_recordset((src)::json) as read(a integer)) as pgrst_body'),
  ('[{"name": "B\"c", "type": "text"}]', '{', false, '(select read."B""c" from json_to_record((src)::json) as read("B""c" text)) as pgrst_body'),
  ('[{"name": "a", "type": "json", "transform": "rooms.f"}]', '{', false, '(select rooms.f(read.a) as a from json_to_record((src)::json) as read(a json)) as pgrst_body'),
  ('[{"name": "a", "type": "integer", "default": "1 + 1"}]', '{', true, '(select read.a from jsonb_to_record(jsonb_build_object(''a'', 1 + 1) || (src)::jsonb) as read(a integer)) as pgrst_body'),
  ('[{"name": "a", "type": "integer", "default": "1 + 1"}]', '[', true, '(select read.a from (select jsonb_agg(jsonb_build_object(''a'', 1 + 1) || elem) as val from jsonb_array_elements((src)::jsonb) as elem) as filled, jsonb_to_recordset(filled.val) as read(a integer)) as pgrst_body'),
  ('[]', '', false, '(select 1 as nothing from (select 1 where false) as read) as pgrst_body'),
  ('[]', '{', false, '(select 1 as nothing from (values (1)) as read) as pgrst_body'),
  ('[]', '[', false, '(select 1 as nothing from json_array_elements((src)::json) as read) as pgrst_body')
) as cases(columns, form, defaults, wanted);

-- Mutations.
create function pg_temp.node(more jsonb default '{}') returns jsonb language sql as $$
  select '{"schema": "my store", "relation": "fi\"lms", "alias": "fi\"lms", "children": [], "where": [{"field": {"name": "id"}, "expr": {"operator": "eq", "param": 2}}]}'::jsonb || more $$;
select is(postern.render_insert(pg_temp.node(), '[{"name": "a"}, {"name": "B"}]', 'src as pgrst_body', '{id}', resolution, put, '1 as nothing'),
  'insert into "my store"."fi""lms"(a, "B") select pgrst_body.a, pgrst_body."B" from src as pgrst_body' || wanted || ' returning 1 as nothing', coalesce(resolution, 'insert'))
from (values
  (null, false, ''),
  ('ignore-duplicates', false, ' on conflict (id) do nothing'),
  ('merge-duplicates', false, ' where postern.tally(1) on conflict (id) do update set a = excluded.a, "B" = excluded."B" where postern.tally(-1)'),
  ('merge-duplicates', true, ' where case when pgrst_body.id = $2 then postern.tally(1) else false end on conflict (id) do update set a = excluded.a, "B" = excluded."B" where postern.tally(-1)')
) as cases(resolution, put, wanted);
select is(postern.render_update(pg_temp.node(), '[{"name": "a"}]', 'src as pgrst_body', '1 as nothing'),
  'update "my store"."fi""lms" set a = pgrst_body.a from src as pgrst_body where "fi""lms".id = $2 returning 1 as nothing', 'update');
select is(postern.render_update(pg_temp.node(), '[]', 'src as pgrst_body', '1 as nothing'), 'select 1 as nothing from "my store"."fi""lms" where false', 'update of nothing');
select is(postern.render_delete(pg_temp.node(), '1 as nothing'), 'delete from "my store"."fi""lms" where "fi""lms".id = $2 returning 1 as nothing', 'delete');
select is(postern.render_delete(pg_temp.node() - 'where', '1 as nothing'), 'delete from "my store"."fi""lms" returning 1 as nothing', 'delete all');

-- Calls.
create function pg_temp.call(name text, arguments jsonb, keys text[], form text, read_only boolean default false) returns text language sql as $$
  select pg_temp.squeezed(postern.render_call(postern.find_routines('store', name) -> 0, '{"alias": "it", "columns": [], "fields": []}', arguments, keys, form, read_only)) $$;
select is(pg_temp.call('add', '[{"name": "a", "param": 2}, {"name": "a", "param": 3}]', '{a}', null), 'select store.add(a := $3::integer) as pgrst_scalar', 'the last of a name');
select is(pg_temp.call('joined', '[{"name": "words", "param": 2}, {"name": "words", "param": 3}]', '{words}', null), 'select store.joined(variadic words := array[$2, $3]::text[]) as pgrst_scalar', 'variadic');
select is(pg_temp.call('add', null, '{a}', '{'), 'select store.add(a := pgrst_body.a) as pgrst_scalar from (select read.a from json_to_record((current_setting(''postern.payload''))::json) as read(a integer)) as pgrst_body', 'a JSON body');
select is(pg_temp.call('add', null, '{a}', '['), 'select store.add(a := pgrst_body.a) as pgrst_scalar from (select * from (select read.a from json_to_recordset((current_setting(''postern.payload''))::json) as read(a integer)) as pgrst_body limit 1) as pgrst_body', 'a JSON array: its first element');
select is(pg_temp.call('echo', null, '{}', '{'), 'select store.echo((current_setting(''postern.payload''))::json) as pgrst_scalar', 'the body as a whole');
select is(pg_temp.call('films_by', '[{"name": "director", "param": 2}]', '{director}', null), 'select it.* from store.films_by(director := $2::integer) as it', 'rows');
select is(pg_temp.call('add', '[]', '{}', null, true), 'select store.add() as pgrst_scalar where set_config(''transaction_read_only'', ''on'', true) is not null', 'read-only');
select is(pg_temp.call('films_by', '[]', '{}', null, true), 'select it.* from (select set_config(''transaction_read_only'', ''on'', true)) as pgrst_read_only, lateral store.films_by() as it', 'rows, read-only');

-- Answers.
select is(postern.content_range(first, rows, total), wanted, concat_ws(' ', first, rows, total))
from (values (0, 0, null, '*/*'), (0, 5, null, '0-4/*'), (0, 5, 9, '0-4/9'), (3, 0, 9, '*/9'), (0, 0, 0, '*/0'), (1, 0, 1, '*/1')) as cases(first, rows, total, wanted);
select is(postern.render_guarded_status('200', 'n', single, most), wanted, concat_ws(' ', single, most))
from (values (false, null, '200'), (true, null, 'case when n <> 1 then postern.not_single(n) else (200)::text end'), (false, '3', 'case when n > 3 then postern.too_many(n) else (200)::text end'),
  (true, '3', 'case when n <> 1 then postern.not_single(n) when n > 3 then postern.too_many(n) else (200)::text end')) as cases(single, most, wanted);
select is(postern.render_headers('{{A,b},{C,"it''s"}}'), E'''\nA: b\nC: it''''s''', 'headers');
select is(postern.render_headers(E'{{A,"b\nC: d"}}'), E'''\nA: b C: d''', 'a header stays on its line');
select is(postern.render_headers(null), null, 'no headers');
select is(postern.render_answer(status, headers, body, 'src', media::jsonb, 'note'), wanted, concat_ws(' ', status, headers, body, media))
from (values
  ('200', null, null, null, E'select convert_to(concat(''200'', ''\n\n''), ''UTF8''), note from src'),
  ('case', 'h, i', 'b', '{"handler": "json"}', E'select convert_to(concat(case, h, i, ''\n\n'', b), ''UTF8''), note from src'),
  ('200', 'h', 'b', '{"handler": "aggregate"}', E'select convert_to(concat(''200'', h, ''\n\n''), ''UTF8'') || coalesce(b, ''''), note from src'),
  ('200', 'h', 'b', '{"handler": "json", "explain": "x"}', 'select 200, concat(h), b, note from src')
) as cases(status, headers, body, media, wanted);
select is(pg_temp.squeezed(replace(postern.render_note(jsonb_build_object('epoch', 'a b', 'method', method), code), postern.render_epoch(), 'now')), wanted, concat_ws(' ', method, code))
from (values
  ('GET', false, 'case when now <> ''a b'' then ''stale'' end'),
  ('POST', true, 'case when now <> ''a b'' then ''stale'' when concat(current_setting(''response.status'', true), current_setting(''response.headers'', true)) <> '''' then ''own'' else ''deferred'' end'),
  ('DELETE', false, 'case when now <> ''a b'' then ''stale'' else ''deferred'' end')
) as cases(method, code, wanted);
drop table store.late;
select is(postern.may_defer(), false, 'nothing to defer');
select matches(postern.render_note(jsonb_build_object('epoch', 'a', 'method', 'POST'), false), '''stale'' end$', 'so nothing is noted');
select is(convert_from(postern.response(status, headers, convert_to(body, 'UTF8')), 'UTF8'), wanted, wanted)
from (values
  (204, null, null, E'204\n\n'), (200, '{{A,b: c},{D,""},{E,null}}'::text[], E'x\n\ny', E'200\nA: b: c\nD: \n\nx\n\ny')
) as cases(status, headers, body, wanted);
select is(testing.failure(format('select postern.response(200, %L, null)', headers)), 'PGRST111', headers)
from unnest(array[E'{{A,"b\nc"}}', E'{{A,"b\rc"}}', '{{"A B",c}}', '{{"",c}}', E'{{"A\n",c}}']) as headers;
select is(concat_ws(' ', p.status, array_to_string(p.headers, '|'), nullif(substr(response, p.length + 1), '')), wanted, wanted)
from (values (E'204\n\n', '204'), (E'200\nA: b: c\nD: \n\nx\n\n', E'200 A|b: c|D| x\n\n')) as cases(response, wanted), postern.response_head(convert_to(response, 'UTF8')) as p;
select is(testing.failure(statement), wanted, statement)
from (values ('select postern.not_single(2)', 'PGRST116'), ('select postern.too_many(2)', 'PGRST124'), ('select postern.key_mismatch()', 'PGRST115')) as cases(statement, wanted);
select is(postern.render_location(('{"relation": "fi lms", "columns": [{"name": "c"}, {"name": "b"}, {"name": "a"}], "children": []}'::jsonb || more), '{b,a}'), '(select ''/fi lms?'' || concat_ws(''&'', ' || (
    select string_agg(format('''%1$s='' || coalesce(''eq.'' || postern.percent_encode(to_json(pgrst_source.%1$s) #>> ''{}''), ''is.null'')', name), ', ' order by place)
    from unnest(wanted) with ordinality as names(name, place)) || ') from pgrst_source)', 'Location in the order of ' || more::text)
from (values ('{"fields": [{"name": "*"}]}'::jsonb, '{b,a}'::text[]), ('{"fields": [{"name": "c"}]}', '{a,b}')) as cases(more, wanted);

-- One row.
select is(postern.render_element(media::jsonb, postern.render_row_object(media::jsonb, 'x.*')), wanted, media)
from (values ('{"handler": "object"}', 'row_to_json(x.*)'), ('{"handler": "json", "strip": true}', '''['', json_strip_nulls(row_to_json(x.*)), '']''')) as cases(media, wanted);
select is(postern.render_object('{"alias": "t", "fields": [{"name": "a", "label": "a", "form": "bare", "type": "integer"}, {"name": "b", "label": "b\"c"}, {"name": "a", "cast": "text", "label": "x"}]}'),
  $$'{"a":', coalesce(t.a::pg_catalog.int4::text, 'null'), E',"b\\"c":', coalesce(to_json(t.b), 'null'), ',"x":', coalesce(to_json(cast(t.a as text)), 'null'), '}'$$, 'render_object');
select is(postern.render_row_answer('q', '200', '{1,0}', location, '{{A,it''s}}', media::jsonb, 'note'), wanted, concat_ws(' ', location, media))
from (values
  ('/x', '{"handler": "json"}', E'select convert_to(coalesce((select concat(''200\nContent-Range: 1\nContent-Location: /x'', $1::text, ''\nA: it''''s\n\n'', ''['', row_to_json(pgrst_answer), '']'') from (q) as pgrst_answer), concat(''200\nContent-Range: 0\nContent-Location: /x'', $1::text, ''\nA: it''''s\n\n[]'')), ''UTF8''), note'),
  (null, '{"handler": "object"}', E'select convert_to(coalesce((select concat(''200\nContent-Range: 1\nA: it''''s\n\n'', row_to_json(pgrst_answer)) from (q) as pgrst_answer), postern.not_single(0)), ''UTF8''), note'),
  (null, null, E'select convert_to(coalesce((select concat(''200\nContent-Range: 1\nA: it''''s\n\n'') from (q) as pgrst_answer), concat(''200\nContent-Range: 0\nA: it''''s\n\n'')), ''UTF8''), note')
) as cases(location, media, wanted);
select is(postern.row_ranges(method, counted), wanted::text[], concat_ws(' ', method, counted))
from (values ('PATCH', false, '{0-0/*,*/*}'), ('PATCH', true, '{0-0/1,*/0}'), ('DELETE', false, '{*/*,*/*}'), ('DELETE', true, '{*/1,*/0}'),
  ('GET', false, '{0-0/*,*/*}'), ('POST', true, '{*/1,*/0}')) as cases(method, counted, wanted);
select is(postern.with_star('200', leaves), wanted, leaves::text) from (values (false, '200'), (true, '200 *')) as cases(leaves, wanted);
select is(postern.render_inserted(('{"relation": "a b", "alias": "a b", "children": []}'::jsonb || fields), '201', '*/*', null, media::jsonb, 'note'), wanted, concat_ws(' ', fields, media))
from (values
  ('{}'::jsonb, null, E'convert_to(''201\nContent-Range: */*\n\n'', ''UTF8''), note'),
  ('{"fields": [{"name": "*", "label": "*"}]}', '{"handler": "json"}', E'convert_to(concat(''201\nContent-Range: */*\n\n'', ''['', row_to_json("a b".*), '']''), ''UTF8''), note'),
  ('{"fields": [{"name": "c", "label": "d"}]}', '{"handler": "object", "strip": false}', E'convert_to(concat(''201\nContent-Range: */*\n\n'', ''{"d":'', coalesce(to_json("a b".c), ''null''), ''}''), ''UTF8''), note'),
  ('{"fields": [{"name": "c", "label": "d"}]}', '{"handler": "object"}', E'convert_to((select concat(''201\nContent-Range: */*\n\n'', row_to_json(pgrst_answer)) from (select "a b".c as d) as pgrst_answer), ''UTF8''), note')
) as cases(fields, media, wanted);
select is(postern.answers_by_row(jsonb_build_object('oid', relation::regclass::oid, 'fields', '[{"name": "a"}]'::jsonb, 'children', '[]'::jsonb) || more, media::jsonb, wish), wanted, concat_ws(' ', relation, more, media, wish))
from (values
  ('store.films', '{}'::jsonb, '{"handler": "json"}', null, true), ('store.films', '{}', '{"handler": "object"}', 'representation', true),
  ('store.films', '{}', '{"handler": "json"}', 'headers-only', false), ('store.films', '{}', '{"handler": "csv"}', null, false),
  ('store.films', '{}', '{"handler": "json", "explain": "x"}', null, false), ('store.films', '{"children": [{}]}', '{"handler": "json"}', null, false),
  ('store.films', '{"fields": []}', '{"handler": "json"}', null, false), ('store.films', '{"fields": [{"name": "a", "aggregate": "sum"}]}', '{"handler": "json"}', null, false),
  ('pg_views', '{}', '{"handler": "json"}', null, false)
) as cases(relation, more, media, wish, wanted);
select is(postern.arguments(literals), wanted, literals) from (values ('', ''), (',''a'',''b''', '(''a'',''b'')')) as cases(literals, wanted);

-- The status of a write.
select is(postern.render_write_status(method, full_answer, resolution), wanted, concat_ws(' ', method, full_answer, resolution))
from (values
  ('POST', false, null, '201'), ('POST', true, 'ignore-duplicates', '201'), ('PATCH', false, null, '204'), ('PATCH', true, null, '200'), ('DELETE', true, null, '200'), ('PUT', false, 'merge-duplicates', '204'),
  ('POST', false, 'merge-duplicates', 'case when current_setting(''postern.inserted'')::int > 0 then 201 else 200 end'),
  ('PUT', true, 'merge-duplicates', 'case when current_setting(''postern.inserted'')::int > 0 then 201 else 200 end')
) as cases(method, full_answer, resolution, wanted);

select * from finish();
rollback;

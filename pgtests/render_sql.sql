-- SQL made of plans: names are quoted, values are parameters or literals.
begin;
select no_plan();

create function pg_temp.squeezed(made text) returns text language sql as $$ select regexp_replace(made, '\s+', ' ', 'g') $$;

-- References.
select is(postern.render_reference('films', field::jsonb), wanted, field)
from (values
  ('{"name": "id"}', 'films.id'),
  ('{"name": "Odd \"name\""}', 'films."Odd ""name"""'),
  ('{"name": "meta", "path": [{"op": "->", "key": "a"}, {"op": "->>", "index": -1}]}', 'films.meta operator(pg_catalog.->) ''a'' operator(pg_catalog.->>) -1'),
  ('{"name": "meta", "path": [{"op": "->>", "key": "it''s \\ \"x\""}]}', 'films.meta operator(pg_catalog.->>) E''it''''s \\ "x"'''),
  ('{"name": "tags", "to_json": true, "path": [{"op": "->", "index": 0}]}', 'pg_catalog.to_jsonb(films.tags) operator(pg_catalog.->) 0')
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
  ('{"operator": "like", "param": 2}', '{}', 'films.a ~~ $2'),
  ('{"operator": "ilike", "param": 2, "not": true}', '{"builtin": true}', 'not (films.a operator(pg_catalog.~~*) $2)'),
  ('{"operator": "eq", "quantifier": "any", "param": 2}', '{"builtin": true}', 'films.a operator(pg_catalog.=) any($2)'),
  ('{"operator": "in", "param": 2}', '{"builtin": true}', 'films.a operator(pg_catalog.=) any($2)'),
  ('{"operator": "isdistinct", "param": 2}', '{"builtin": true}', 'coalesce(films.a operator(pg_catalog.<>) $2, true)'),
  ('{"operator": "isdistinct", "param": 2}', '{"builtin": true, "transform": "f"}', 'coalesce(films.a operator(pg_catalog.<>) f($2), true)'),
  ('{"operator": "ilike", "quantifier": "any", "param": 2}', '{}', 'films.a ~~* any($2::pg_catalog.text[])'),
  ('{"operator": "gt", "quantifier": "all", "param": 2}', '{}', 'films.a > all($2)'),
  ('{"operator": "in", "param": 2}', '{}', 'films.a = any($2)'),
  ('{"operator": "in", "value": "(1,\"a,b\")"}', '{}', 'films.a = any(''{"1","a,b"}'')'),
  ('{"operator": "is", "value": "null"}', '{}', 'films.a is null'),
  ('{"operator": "is", "value": "not_null"}', '{}', 'films.a is not null'),
  ('{"operator": "isdistinct", "param": 2}', '{}', 'films.a is distinct from $2'),
  ('{"operator": "fts", "param": 2}', '{}', 'pg_catalog.to_tsvector(films.a) operator(pg_catalog.@@) pg_catalog.to_tsquery($2)'),
  ('{"operator": "wfts", "language": "eng''lish", "param": 2}', '{}', 'pg_catalog.to_tsvector(''eng''''lish'', films.a) operator(pg_catalog.@@) pg_catalog.websearch_to_tsquery(''eng''''lish'', $2)'),
  ('{"operator": "fts", "language": "simple", "param": 2}', '{"field": {"name": "a", "tsvector": true}}', 'films.a operator(pg_catalog.@@) pg_catalog.to_tsquery(''simple'', $2)'),
  ('{"operator": "cs", "param": 2}', '{}', 'films.a @> $2'),
  ('{"operator": "eq", "param": 2}', '{"transform": "rooms.text_code"}', 'films.a = rooms.text_code($2)'),
  ('{"operator": "in", "value": "(1,\"a,b\")"}', '{"transform": "rooms.text_code"}', 'films.a = any(select rooms.text_code(element) from pg_catalog.unnest(''{"1","a,b"}''::pg_catalog.text[]) as element)'),
  ('{"operator": "in", "param": 2}', '{"transform": "rooms.text_code"}', 'films.a = any(select rooms.text_code(element) from pg_catalog.unnest($2::pg_catalog.text[]) as element)')
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
  ('{"range": {"first": {"param": 2}, "last": {"param": 3}}}', ' limit postern.range_limit($2::bigint, $3::bigint, 0, null) offset greatest($2::bigint, 0)'),
  ('{"range": {"first": {"value": "2"}}, "max_rows": 10, "limit": {"param": 4}, "offset": {"param": 5}}',
    ' limit least(postern.range_limit(''2''::bigint, null, $5::bigint, $4::bigint), 10) offset greatest(''2''::bigint, $5::bigint)')
) as cases(node, wanted);
select is(testing.failure($$ select postern.render_page('{"max_rows": "1; drop"}') $$), '22P02', 'db-max-rows is a number');

-- Order.
select is(postern.render_order('{"order": [{"field": {"name": "a"}, "direction": "desc", "nulls": "last"}, {"field": {"name": "b", "path": [{"op": "->", "key": "c"}]}}]}', 't'),
  ' order by t.a desc nulls last, t.b operator(pg_catalog.->) ''c''', 'order');
select is(postern.render_order('{}', 't'), null, 'none');

-- Fields.
select is(postern.render_field('t', field::jsonb), wanted, field)
from (values
  ('{"name": "*"}', 't.*'), ('{"name": "*", "aggregate": "count"}', '1'), ('{"name": "a", "cast": "double precision"}', 'cast(t.a as double precision)'),
  ('{"name": "a", "transform": "rooms.f"}', 'rooms.f(t.a)')
) as cases(field, wanted);

-- Parameters: which there are, and a statement as a text with their values in it.
select is(postern.parameter_types('{"parameters": 4}'::jsonb || more, statement), wanted, concat_ws(' ', more, statement))
from (values
  ('{}'::jsonb, 'select $1, $3', '{text,bytea,unknown,text}'::text[]), ('{}', 'select $2::pg_catalog.json, ''$3'' from t', '{text,json,unknown,text}'),
  ('{"exact": true}', 'select $2::pg_catalog.text, ''$3'', "$4" from t', '{text,text,text,text}'),
  ('{"exact": true}', E'select E\'\\\\\', $4, \' $3\', $10', '{text,bytea,text,unknown}'), ('{}', 'select $30', '{text,bytea,text,text}')
) as cases(more, statement, wanted);
create function pg_temp.placed(statement text) returns text language plpgsql as $$
declare
  made text;
begin
  execute 'select ' || postern.render_placeholders(statement) into made using 'it''s'::text, null::text, 'b'::text;
  return made;
end $$;
select is(pg_temp.placed(statement), wanted, statement)
from (values
  ('select $1, ''$2'', "%$3" % $1', 'select ''it''''s'', ''$2'', "%$3" % ''it''''s'''), ('select $3 where $2', 'select ''b'' where NULL'),
  ('select ''%s''', 'select ''%s'''), ('select f1$, f2$ from a where b=$1', 'select f1$, f2$ from a where b=''it''''s''')
) as cases(statement, wanted);
select is(length(pg_temp.placed('select ' || repeat('$1, ', 149) || '$1')), 7 + 150 * 9 - 2, 'more parameters than a function takes');

-- Payloads.
create function pg_temp.filled(form text, body text) returns jsonb language plpgsql as $$
declare
  columns constant jsonb := (select jsonb_agg(jsonb_build_object('name', 'c' || n, 'type', 'integer', 'default', n::text)) from generate_series(1, 120) as n);
  made jsonb;
begin
  execute format('select to_jsonb(made) from %s as made', replace(postern.render_payload(columns, form, true), 'as pgrst_body', '')) into made using ''::text, body;
  return made;
end $$;
select is(pg_temp.filled(form, body) - 'c7', (select jsonb_object_agg('c' || n, n) from generate_series(1, 120) as n where n <> 7), 'more defaults than a function takes, ' || body)
from (values ('{', '{"c7": 0}'), ('[', '[{"c7": 0}]')) as cases(form, body);
select is(postern.render_payload(columns::jsonb, form, defaults), wanted, concat_ws(' ', columns, form, defaults))
from (values
  ('[{"name": "a", "type": "integer"}]', '{', false, '(select read.a from (select $2::pg_catalog.json as val) as filled, pg_catalog.json_to_record(filled.val) as read(a integer)) as pgrst_body'),
  ('[{"name": "a", "type": "integer"}]', '[', false, '(select read.a from pg_catalog.json_to_recordset($2::pg_catalog.json) as read(a integer)) as pgrst_body'),
  ('[{"name": "B\"c", "type": "text"}]', '{', false, '(select read."B""c" from (select $2::pg_catalog.json as val) as filled, pg_catalog.json_to_record(filled.val) as read("B""c" pg_catalog.text)) as pgrst_body'),
  ('[{"name": "a", "type": "json", "transform": "rooms.f"}]', '{', false, '(select rooms.f(read.a) as a from (select $2::pg_catalog.json as val) as filled, pg_catalog.json_to_record(filled.val) as read(a pg_catalog.json)) as pgrst_body'),
  ('[{"name": "a", "type": "integer", "default": "1 + 1"}]', '{', true, '(select read.a from (select pg_catalog.jsonb_build_object(''a'', 1 + 1) operator(pg_catalog.||) $2::pg_catalog.json::pg_catalog.jsonb as val) as filled, pg_catalog.jsonb_to_record(filled.val) as read(a integer)) as pgrst_body'),
  ('[{"name": "a", "type": "integer", "default": "1 + 1"}]', '[', true, '(select read.a from (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(''a'', 1 + 1) operator(pg_catalog.||) elem) as val from pg_catalog.jsonb_array_elements($2::pg_catalog.json::pg_catalog.jsonb) as elem) as filled, pg_catalog.jsonb_to_recordset(filled.val) as read(a integer)) as pgrst_body'),
  ('[]', 'empty', false, '(select 1 as nothing from (select 1 where false) as read) as pgrst_body'),
  ('[]', '{', false, '(select 1 as nothing from (values (1)) as read) as pgrst_body'),
  ('[]', '[', false, '(select 1 as nothing from pg_catalog.json_array_elements($2::pg_catalog.json) as read) as pgrst_body')
) as cases(columns, form, defaults, wanted);

-- Mutations.
create function pg_temp.node(more jsonb default '{}') returns jsonb language sql as $$
  select '{"schema": "my store", "relation": "fi\"lms", "alias": "fi\"lms", "children": [], "where": [{"field": {"name": "id"}, "expr": {"operator": "eq", "param": 2}}]}'::jsonb || more $$;
select is(postern.render_insert(pg_temp.node(), '[{"name": "a"}, {"name": "B"}]', 'src as pgrst_body', '{id}', resolution, put, counts, '1 as nothing', 'sure'),
  'insert into "my store"."fi""lms" as "fi""lms"(a, "B") select pgrst_body.a, pgrst_body."B" from src as pgrst_body' || wanted || ' returning 1 as nothing', coalesce(resolution, 'insert'))
from (values
  (null, false, false, ' where sure'),
  ('ignore-duplicates', false, false, ' where sure on conflict (id) do nothing'),
  ('merge-duplicates', false, false, ' where sure on conflict (id) do update set a = excluded.a, "B" = excluded."B"'),
  ('merge-duplicates', false, true, ' where sure and ' || postern.render_count_row(1)
    || ' on conflict (id) do update set a = excluded.a, "B" = excluded."B" where ' || postern.render_count_row(-1)),
  ('merge-duplicates', true, true, ' where sure and pgrst_body.id = $2 and ' || postern.render_count_row(1)
    || ' on conflict (id) do update set a = excluded.a, "B" = excluded."B" where ' || postern.render_count_row(-1))
) as cases(resolution, put, counts, wanted);
select is(postern.render_update(pg_temp.node(), '[{"name": "a"}]', 'src as pgrst_body', '1 as nothing', 'sure'),
  'update "my store"."fi""lms" as "fi""lms" set a = pgrst_body.a from src as pgrst_body where sure and "fi""lms".id = $2 returning 1 as nothing', 'update');
select is(postern.render_update(pg_temp.node(), '[]', 'src as pgrst_body', '1 as nothing', 'sure'), 'select 1 as nothing from "my store"."fi""lms" as "fi""lms" where false', 'update of nothing');
select is(postern.render_delete(pg_temp.node(), '1 as nothing', 'sure'), 'delete from "my store"."fi""lms" as "fi""lms" where sure and "fi""lms".id = $2 returning 1 as nothing', 'delete');
select is(postern.render_delete(pg_temp.node() - 'where', '1 as nothing', 'sure'), 'delete from "my store"."fi""lms" as "fi""lms" where sure returning 1 as nothing', 'delete all');

-- Calls.
create function pg_temp.call(name text, arguments jsonb, keys text[], form text, guard text default null) returns text language sql as $$
  select pg_temp.squeezed(postern.render_call(postern.find_routines('store', name) -> 0, '{"alias": "it", "columns": [], "fields": []}', arguments, keys, form, guard)) $$;
select is(pg_temp.call('add', '[{"name": "a", "param": 2}, {"name": "a", "param": 3}]', '{a}', null), 'select store.add(a := $3::integer) as pgrst_scalar', 'the last of a name');
select is(pg_temp.call('joined', '[{"name": "words", "param": 2}, {"name": "words", "param": 3}]', '{words}', null), 'select store.joined(variadic words := array[$2, $3]::pg_catalog.text[]) as pgrst_scalar', 'variadic');
select is(pg_temp.call('add', null, '{a}', '{'), 'select store.add(a := pgrst_body.a) as pgrst_scalar from (select read.a from (select $2::pg_catalog.json as val) as filled, pg_catalog.json_to_record(filled.val) as read(a integer)) as pgrst_body', 'a JSON body');
select is(pg_temp.call('add', null, '{a}', '['), 'select store.add(a := pgrst_body.a) as pgrst_scalar from (select * from (select read.a from pg_catalog.json_to_recordset($2::pg_catalog.json) as read(a integer)) as pgrst_body limit 1) as pgrst_body', 'a JSON array: its first element');
select is(pg_temp.call('echo', null, '{}', '{'), 'select store.echo($2::pg_catalog.json) as pgrst_scalar', 'the body as a whole');
select is(pg_temp.call('films_by', '[{"name": "director", "param": 2}]', '{director}', null), 'select it.* from store.films_by(director := $2::integer) as it', 'rows');
select is(pg_temp.call('add', '[]', '{}', null, 'sure'), 'select store.add() as pgrst_scalar where sure', 'guarded');
select is(pg_temp.call('films_by', '[]', '{}', null, 'sure'), 'select it.* from store.films_by() as it where sure', 'rows, guarded');

-- Answers.
select is(postern.content_range(first, rows, total), wanted, concat_ws(' ', first, rows, total))
from (values (0, 0, null, '*/*'), (0, 5, null, '0-4/*'), (0, 5, 9, '0-4/9'), (3, 0, 9, '*/9'), (0, 0, 0, '*/0'), (1, 0, 1, '*/1')) as cases(first, rows, total, wanted);
select is(postern.render_guarded_status('200', 'n', single, most), wanted, concat_ws(' ', single, most))
from (values (false, null, '200'), (true, null, 'case when n operator(pg_catalog.<>) 1 then postern.not_single(n) else (200)::pg_catalog.text end'), (false, '3', 'case when n operator(pg_catalog.>) 3 then postern.too_many(n) else (200)::pg_catalog.text end'),
  (true, '3', 'case when n operator(pg_catalog.<>) 1 then postern.not_single(n) when n operator(pg_catalog.>) 3 then postern.too_many(n) else (200)::pg_catalog.text end')) as cases(single, most, wanted);
select is(postern.header_lines('{{A,b},{C,"it''s"}}'), E'\nA: b\nC: it''s', 'headers');
select is(postern.header_lines(E'{{A,"b\nC: d"}}'), E'\nA: b C: d', 'a header stays on its line');
select is(postern.header_lines(null), null, 'no headers');
select is(postern.header_pairs(lines), pairs::text[], lines)
from (values (E'\nA: b: c\nD: ', '{{A,b: c},{D,""}}'), ('', null), (null, null)) as cases(lines, pairs);
select is(postern.render_head('''0-0/*''', null, '{{A,it''s}}'), E'''\nContent-Range: 0-0/*\nA: it''''s''', 'headers that depend on nothing');
select is(postern.render_head('first', '/it''s', '{{A,b}}'),
  $$pg_catalog.concat('
Content-Range: ', first, '
Content-Location: /it''s', $1::pg_catalog.text, '
A: b')$$, 'render_head');
create function pg_temp.plainly(statement text) returns text language sql as $$
  select replace(replace(statement, postern.render_epoch(), 'now'), 'case when now operator(pg_catalog.<>) ''a b'' then ''stale''', 'N') $$;
select is(pg_temp.plainly(postern.render_response('{"epoch": "a b"}'::jsonb || more, body, status, 'h', source, escapes)), wanted,
  concat_ws(' ', more, body, status, source, escapes))
from (values
  ('{}'::jsonb, null, '200', null, null, 'select null::pg_catalog.text as body, ''200'' as status, h as headers, N end as note'),
  ('{}', 'b', 'case', 'src', 'e', 'select b as body, (case)::pg_catalog.text as status, h as headers, N when e then ''escapes'' end as note from src'),
  ('{"code": "volatile"}', 'b', '200', 'src', null,
    format('select b as body, case when %s then ''200'' else postern.own_status() end as status, '
      'case when %s then h else postern.merged_headers(h, pg_catalog.current_setting(''response.headers'')) end as headers, N end as note from src',
      postern.render_unset('response.status'), postern.render_unset('response.headers'))),
  ('{"code": "stable", "explain": true}', 'b', '200', 'src', null, 'select ''200'' as status, h as headers, b as body, N end as note from src')
) as cases(more, body, status, source, escapes, wanted);
select is(replace(postern.render_guard('{"epoch": "a''b"}'), postern.render_epoch(), 'now'), 'postern.fresh(now operator(pg_catalog.=) ''a''''b'')', 'render_guard');
select ok(postern.fresh(true), 'fresh');
select is(testing.failure(format('select postern.fresh(%s)', same)), 'PNSTL', concat_ws(' ', 'not fresh:', same)) from unnest(array['false', 'null']) as same;
select is(postern.out_of_bounds(7, 3, 'minimal')::json ->> 'code', 'PGRST103', 'out_of_bounds');
select is(testing.failure(statement), wanted, statement)
from (values ('select postern.not_single(2)', 'PGRST116'), ('select postern.too_many(2)', 'PGRST124'), ('select postern.key_mismatch()', 'PGRST115')) as cases(statement, wanted);
select is(postern.render_location(('{"relation": "fi lms", "columns": [{"name": "c"}, {"name": "b"}, {"name": "a"}], "children": []}'::jsonb || more), '{b,a}'), '(select pg_catalog.concat(''/fi%20lms?'', pg_catalog.concat_ws(''&'', ' || (
    select string_agg(format('pg_catalog.concat(''%1$s='', coalesce(''eq.'' operator(pg_catalog.||) postern.percent_encode(pg_catalog.to_json(pgrst_source.%1$s) '
      'operator(pg_catalog.#>>) ''{}''), ''is.null''))', name), ', ' order by place)
    from unnest(wanted) with ordinality as names(name, place)) || ')) from pgrst_source)', 'Location in the order of ' || more::text)
from (values ('{"fields": [{"name": "*"}]}'::jsonb, '{b,a}'::text[]), ('{"fields": [{"name": "c"}]}', '{a,b}')) as cases(more, wanted);

-- One row.
select is(postern.render_row_object(media::jsonb, 'x.*'), wanted, media)
from (values ('{"handler": "object", "strip": false}', 'pg_catalog.row_to_json(x.*)'), ('{"handler": "json", "strip": true}', 'pg_catalog.json_strip_nulls(pg_catalog.row_to_json(x.*))')) as cases(media, wanted);
select is(postern.row_range(method, found, counted), wanted, concat_ws(' ', method, found, counted))
from (values ('PATCH', true, false, '0-0/*'), ('PATCH', false, false, '*/*'), ('PATCH', true, true, '0-0/1'), ('GET', true, false, '0-0/*'), ('GET', false, true, '*/0'),
  ('DELETE', true, false, '*/*'), ('DELETE', true, true, '*/1'), ('POST', true, true, '*/1')) as cases(method, found, counted, wanted);
create function pg_temp.row_answer(media jsonb, rows text) returns text language plpgsql as $$
declare
  made text;
begin
  execute format($sql$ select concat_ws(' ', a.status, replace(a.headers, E'\n', '|'), a.body, a.note) from (%s) as a $sql$,
    replace(postern.render_row_answer(jsonb_build_object('method', 'GET', 'epoch', postern.epoch()), rows, '200', false, '/x', '{{A,it''s}}', media), '$1', quote_literal('?y'))) into made;
  return made;
end $$;
select is(pg_temp.row_answer(media, rows), wanted, concat_ws(' ', media, rows))
from (values
  ('{"handler": "json", "strip": false}'::jsonb, 'select 1 as a', '200 |Content-Range: 0-0/*|Content-Location: /x?y|A: it''s [{"a":1}]'),
  ('{"handler": "json", "strip": false}', 'select 1 as a where false', '200 |Content-Range: */*|Content-Location: /x?y|A: it''s []'),
  ('{"handler": "object", "strip": true}', 'select 1 as a, null as b', '200 |Content-Range: 0-0/*|Content-Location: /x?y|A: it''s {"a":1}'),
  (null, 'select 1 as a', '200 |Content-Range: 0-0/*|Content-Location: /x?y|A: it''s')
) as cases(media, rows, wanted);
select is(testing.failure($$ select pg_temp.row_answer('{"handler": "object", "strip": false}', 'select 1 as a where false') $$), 'PGRST116', 'one row where there is none');
select is(split_part(postern.render_inserted('{"epoch": "a"}', '{"relation": "a b", "alias": "a b", "children": []}'::jsonb || fields, true, null, media::jsonb), ', ''
', 1), wanted, concat_ws(' ', fields, media))
from (values
  ('{}'::jsonb, null, 'null::pg_catalog.text as body, ''201'' as status'),
  ('{"fields": [{"name": "*", "label": "*"}]}', '{"handler": "json", "strip": false}', 'pg_catalog.concat(''['', pg_catalog.row_to_json("a b".*), '']'') as body, ''201'' as status'),
  ('{"fields": [{"name": "c", "label": "d"}]}', '{"handler": "object", "strip": false}',
    '(select pg_catalog.row_to_json(pgrst_answer.*) from (select "a b".c as d) as pgrst_answer) as body, ''201'' as status')
) as cases(fields, media, wanted);
select is(postern.answers_by_row(jsonb_build_object('oid', relation::regclass::oid, 'fields', '[{"name": "a"}]'::jsonb, 'children', '[]'::jsonb) || more, media::jsonb, wish), wanted, concat_ws(' ', relation, more, media, wish))
from (values
  ('store.films', '{}'::jsonb, '{"handler": "json"}', null, true), ('store.films', '{}', '{"handler": "object"}', 'representation', true),
  ('store.films', '{}', '{"handler": "json"}', 'headers-only', false), ('store.films', '{}', '{"handler": "csv"}', null, false),
  ('store.films', '{}', '{"handler": "json", "explain": "x"}', null, false), ('store.films', '{"children": [{}]}', '{"handler": "json"}', null, false),
  ('store.films', '{"fields": []}', '{"handler": "json"}', null, false), ('store.films', '{"fields": [{"name": "a", "aggregate": "sum"}]}', '{"handler": "json"}', null, false),
  ('pg_views', '{}', '{"handler": "json"}', null, false)
) as cases(relation, more, media, wish, wanted);
-- The arguments of EXECUTE.
create function pg_temp.arguments(types text[], flags jsonb, payload bytea, vals text[]) returns text language plpgsql as $$
begin
  perform set_config('postern.body', 'none', true);
  return postern.arguments(jsonb_build_object('params', types) || flags, payload, vals) || ' ' || current_setting('postern.body');
end $$;
select is(replace(pg_temp.arguments(types, flags, payload, vals), 'pg_catalog.current_setting(''postern.body'')::pg_catalog.', '$2 as '), wanted, concat_ws(' ', types, flags, vals))
from (values
  ('{text,bytea}'::text[], '{}'::jsonb, null::bytea, '{?a}'::text[], '(''?a'', null) none'),
  ('{text,json}', '{}', 'b''c', '{NULL}', '(NULL, $2 as json) b''c'), ('{text,text}', '{}', null, '{x}', '(''x'', $2 as text) '),
  ('{text,json}', '{"text": "[1]"}', 'b', '{x}', '(''x'', $2 as json) [1]'), ('{text,bytea}', '{"bytes": true}', '\x00ff', '{x}', '(''x'', $2 as bytea) \x00ff'),
  ('{text,bytea,unknown,unknown}', '{"likes": [4]}', null, '{x,a*,b''*}', '(''x'', null, ''a*'', ''b''''%'') none')
) as cases(types, flags, payload, vals, wanted);
select is(testing.failure($$ select postern.arguments('{"params": ["text", "text"]}', '\xff', '{x}') $$), '22021', 'a body that is not UTF-8');

-- The status of a write.
select is(postern.render_write_status(method, full_answer, resolution), wanted, concat_ws(' ', method, full_answer, resolution))
from (values
  ('POST', false, null, '201'), ('POST', true, 'ignore-duplicates', '201'), ('PATCH', false, null, '204'), ('PATCH', true, null, '200'), ('DELETE', true, null, '200'), ('PUT', false, 'merge-duplicates', '204'),
  ('POST', false, 'merge-duplicates', format('case when %s operator(pg_catalog.>) 0 then ''201'' else ''200'' end', postern.render_inserted_rows())),
  ('PUT', true, 'merge-duplicates', format('case when %s operator(pg_catalog.>) 0 then ''201'' else ''200'' end', postern.render_inserted_rows()))
) as cases(method, full_answer, resolution, wanted);

select * from finish();
rollback;

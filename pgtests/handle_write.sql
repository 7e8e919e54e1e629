-- Writes, from the request to the answer. What each leaves is seen by the next.
begin;
select no_plan();
select set_config('testing.settings', '{"db_schemas": ["store", "other"]}', true);

create function pg_temp.write(method text, target text, payload text, prefer text default null, more jsonb default '{}') returns text language sql as $$
  select testing.brief(method, target, jsonb_strip_nulls(jsonb_build_object('prefer', prefer)) || more, payload)
$$;

-- POST.
select is(pg_temp.write('POST', '/directors', '{"id": 10, "name": "Ten"}'), '201', 'nothing comes back unless it is asked for');
select is(pg_temp.write('POST', '/directors', '{"id": 11, "name": "Eleven"}', 'return=representation'),
  '201 [{"id":11,"name":"Eleven","born":null}]', 'a representation');
select is(pg_temp.write('POST', '/directors?select=name', '[{"name": "a"}, {"name": "b"}]', 'return=representation'),
  '201 [{"name":"a"},{"name":"b"}]', 'several rows, selected');
select is(a.status || ' ' || (a.headers ->> 'location'), '201 /directors?id=eq.12', 'Location')
from testing.answer('POST', '/directors', '{"prefer": "return=headers-only"}', '{"id": 12, "name": "Twelve"}') as a;
create table store.pairs (z int, a text, note text, primary key (z, a));
grant all on store.pairs to store_clerk;
select is(a.headers ->> 'location', wanted, target)
from (values ('/pairs', '/pairs?z=eq.1&a=eq.b%20%26%C3%A9'), ('/pairs?select=note', '/pairs?a=eq.b%20%26%C3%A9&z=eq.1')) as cases(target, wanted),
  testing.answer('POST', target, '{"prefer": "return=headers-only, resolution=merge-duplicates"}', '{"z": 1, "a": "b &é"}') as a;
select is(a.headers ->> 'content-range', '*/2', 'a count')
from testing.answer('POST', '/directors', '{"prefer": "count=exact"}', '[{"name": "c"}, {"name": "d"}]') as a;
select is(pg_temp.write('POST', '/films?select=title,directors(name)', '{"title": "New", "director_id": 10}', 'return=representation'),
  '201 [{"title":"New","directors":{"name":"Ten"}}]', 'with an embed');
select is(pg_temp.write('POST', '/films?columns=title', '{"title": "Cut", "director_id": 99999}', 'return=representation', '{"accept": "application/vnd.pgrst.object+json"}') ~ '"director_id":null', true, 'columns leaves others out');
select is(pg_temp.write('POST', '/reviews?select=words', '[{"film_id": 1, "stars": 1, "words": "x"}, {"film_id": 1, "stars": 2}]', 'return=representation'),
  '400 {"code":"PGRST102","details":null,"hint":null,"message":"All object keys must match"}', 'keys that differ');
select is(pg_temp.write('POST', '/reviews?select=words&columns=film_id,stars,words', '[{"film_id": 1, "stars": 1, "words": "x"}, {"film_id": 1, "stars": 2}]',
  'return=representation, missing=default'), '201 [{"words":"x"},{"words":"nothing to say"}]', 'missing=default');
select is(pg_temp.write('POST', '/directors', '[]'), '201', 'no rows');

-- One object into a plain table: the row makes the response. A trigger may see to it that there is none.
select is(pg_temp.write('POST', '/directors?select=name,id,twice:id::text', '{"id": 120, "name": "Twenty"}', 'return=representation'), '201 [{"name":"Twenty","id":120,"twice":"120"}]', 'its fields');
select is(pg_temp.write('POST', '/directors', format('{"id": %s, "name": "n%1$s"}', id), 'return=representation', jsonb_build_object('accept', accept)), '201 ' || wanted, accept)
from (values (121, 'application/vnd.pgrst.object+json', '{"id":121,"name":"n121","born":null}'), (122, 'application/vnd.pgrst.object+json;nulls=stripped', '{"id":122,"name":"n122"}'),
  (123, 'application/vnd.pgrst.array+json;nulls=stripped', '[{"id":123,"name":"n123"}]')) as cases(id, accept, wanted);
select is(pg_temp.write('POST', '/directors?select=count()', '{"id": 124, "name": "n"}', 'return=representation') ~ '^400 .*PGRST123', true, 'no aggregate');
select is(a.headers ->> 'content-range', wanted, coalesce(prefer, 'no preference'))
from (values (null, 125, '*/*'), ('count=exact', 126, '*/1')) as cases(prefer, id, wanted),
  testing.answer('POST', '/directors', jsonb_strip_nulls(jsonb_build_object('prefer', prefer)), format('{"id": %s, "name": "n%1$s"}', id)) as a;
create table store.sieve (sieve int, b text);
grant all on store.sieve to store_clerk;
select is(pg_temp.write('POST', '/sieve', '{"sieve": 1, "b": "x"}', 'return=representation'), '201 [{"sieve":1,"b":"x"}]', 'a column named like its table');
create function store.sift() returns trigger language plpgsql as 'begin if new.sieve > 5 then return null; end if; new.b := new.b || ''!''; return new; end';
create trigger sift before insert on store.sieve for each row execute function store.sift();
select is(pg_temp.write('POST', '/sieve', format('{"sieve": %s, "b": "x"}', value), 'return=representation'), wanted, 'a trigger, given ' || value)
from (values (1, '201 [{"sieve":1,"b":"x!"}]'), (6, '201 []')) as cases(value, wanted);
select is(pg_temp.write('POST', '/keyless', '{}', 'return=representation'), '201 [{"a":null,"b":null}]', 'no columns');
select is(pg_temp.write('POST', '/keyless?select=a,b', E'a,b\n1,"x, ""y"""\n2,NULL', 'return=representation', '{"content-type": "text/csv"}'),
  '201 [{"a":1,"b":"x, \"y\""},{"a":2,"b":null}]', 'CSV');
select is(pg_temp.write('POST', '/keyless?select=a,b', 'a=3&b=x+y%26', 'return=representation', '{"content-type": "application/x-www-form-urlencoded"}'),
  '201 [{"a":3,"b":"x y&"}]', 'a form');
select is(pg_temp.write('POST', '/odd%20%22name%22%3B%20drop%20table%20films--%25s%20%7B%7D', '{"id": 1, "b''\"\\ %I $1": "$1"}', 'return=representation'),
  '201 [{"id":1,"b''\"\\ %I $1":"$1"}]', 'hostile names');

-- Upsert.
select is(pg_temp.write('POST', '/directors?select=id,name', '[{"id": 10, "name": "Tenth"}, {"id": 20, "name": "Twentieth"}]',
  'resolution=merge-duplicates, return=representation'), '201 [{"id":10,"name":"Tenth"},{"id":20,"name":"Twentieth"}]', 'merge');
select is(pg_temp.write('POST', '/directors?select=id,name', '[{"id": 10, "name": "Ten"}]', 'resolution=merge-duplicates, return=representation'),
  '200 [{"id":10,"name":"Ten"}]', 'nothing new');
select is(pg_temp.write('POST', '/directors?select=id', '[{"id": 10, "name": "x"}, {"id": 21, "name": "y"}]', 'resolution=ignore-duplicates, return=representation'),
  '201 [{"id":21}]', 'ignore');
select is(pg_temp.write('POST', '/directors?select=id&on_conflict=name', '[{"name": "Ten", "born": "2000-01-01"}]', 'resolution=merge-duplicates, return=representation'),
  '200 [{"id":10}]', 'on another key');
select is(pg_temp.write('POST', target, payload, 'resolution=merge-duplicates' || more), wanted, concat_ws(' ', 'created or not:', target, payload))
from (values
  ('/directors', '[{"id": 10, "name": "Ten"}, {"id": 22, "name": "z"}]', '', '201'),
  ('/directors', '[{"id": 10, "name": "Ten"}, {"id": 22, "name": "zz"}]', '', '200'),
  ('/directors?select=id', '{"id": 22, "name": "z"}', ', return=representation', '200 [{"id":22}]'),
  ('/films?select=id,directors!inner(id)&directors.id=eq.0', '[{"id": 1, "title": "Vagabond"}, {"id": 9001, "title": "New"}]', ', return=representation', '201 []'),
  ('/films?select=id,directors!inner(id)&directors.id=eq.0', '[{"id": 1, "title": "Vagabond"}, {"id": 9001, "title": "New"}]', ', return=representation', '200 []')
) as cases(target, payload, more, wanted);
select is(pg_temp.write('POST', '/keyless', payload, 'resolution=merge-duplicates'), wanted, 'without a key: ' || payload)
from (values ('[{"a": 1}]', '201'), ('[]', '200')) as cases(payload, wanted);
select is(testing.failed('POST', '/directors', '{}', '{"id": 10, "name": "z"}'), '409 23505', 'a duplicate');

-- PATCH.
select is(pg_temp.write('PATCH', '/directors?id=eq.10', '{"name": "X"}'), '204', 'PATCH');
select is(pg_temp.write('PATCH', '/directors?id=in.(10,11)&select=id,name&order=id', '{"born": null}', 'return=representation'),
  '200 [{"id":10,"name":"X"},{"id":11,"name":"Eleven"}]', 'with a representation');
select is(pg_temp.write('PATCH', '/directors?id=eq.0', '{"name": "X"}', 'return=representation'), '200 []', 'of nothing');
select is(pg_temp.write('PATCH', '/directors?id=eq.10', '{}', 'return=representation'), '200 []', 'no columns: nothing is updated');
-- Of one row at most: the row makes the response.
select is(pg_temp.write('PATCH', '/directors?select=name&id=eq.' || id, '{"name": "One row"}', prefer, jsonb_build_object('accept', accept)) ~ wanted, true, concat_ws(' ', id, accept, prefer))
from (values
  (10, 'return=representation', '*/*', '^200 \[{"name":"One row"}\]$'), (10, 'return=representation', 'application/vnd.pgrst.object+json', '^200 {"name":"One row"}$'),
  (10, 'return=minimal', 'application/vnd.pgrst.object+json', '^204$'), (10, 'return=representation', 'text/csv', E'^200 name\n"One row"$'),
  (0, 'return=representation', 'application/vnd.pgrst.object+json', '^406 .*PGRST116'), (0, 'return=minimal', 'application/vnd.pgrst.object+json', '^406 .*PGRST116'),
  (10, 'max-affected=0, handling=strict', '*/*', '^400 .*PGRST124'), (10, 'max-affected=1, handling=strict', '*/*', '^204$')) as cases(id, prefer, accept, wanted);
select is(pg_temp.write('PATCH', '/films?id=eq.1&select=title,directors(name)', '{"title": "New title"}', 'return=representation'), '200 [{"title":"New title","directors":{"name":"Agnès Varda"}}]', 'with an embed');
select is(concat_ws(' ', a.status, a.headers ->> 'content-range', a.body), wanted, concat_ws(' ', method, prefer))
from (values ('PATCH', 'count=exact', '204 0-0/1'), ('PATCH', 'count=planned', '204 0-0/*'), ('DELETE', 'count=exact', '204 */1'), ('DELETE', 'return=representation', '200 */* []')) as cases(method, prefer, wanted),
  testing.answer(method, '/reviews?id=eq.' || (select max(id) from store.reviews), jsonb_build_object('prefer', prefer), '{"words": "w"}') as a;
select is(a.headers ->> 'content-range', '0-1/2', 'a count')
from testing.answer('PATCH', '/directors?id=in.(10,11)', '{"prefer": "count=exact"}', '{"born": null}') as a;
select is(testing.failed('PATCH', '/directors?id=in.(10,11)', '{"prefer": "max-affected=1, handling=strict"}', '{"born": "2000-02-02"}'),
  '400 PGRST124', 'max-affected');
select is((select count(*) from store.directors where born = '2000-02-02'), 0::bigint, 'which undoes it');
select is(testing.failed('PATCH', '/directors?id=eq.10', '{}', '{"nope": 1}'), '400 PGRST204', 'an unknown column');
select is(testing.failed('PATCH', '/directors?id=in.(10,11)&select=id', '{"accept": "application/vnd.pgrst.object+json", "prefer": "return=representation"}', '{"born": "2000-03-03"}'),
  '406 PGRST116', 'a single object of two');
select is((select count(*) from store.directors where born = '2000-03-03'), 0::bigint, 'undoes it too');

-- A condition that cannot be one on the rows of the relation must not be forgotten.
select is(testing.failed(method, '/films?select=id,actors(name)&' || condition, '{"prefer": "return=representation"}', '{"year": 1}'), '400 42703', method || ' with ' || condition)
from unnest('{PATCH,DELETE}'::text[]) as method, unnest('{directors=is.null,directors=not.is.null,"and=(directors.is.null,id.gt.0)"}'::text[]) as condition;
select is((select count(*) from store.films where year = 1), 0::bigint, 'nothing is changed');

-- What is counted.
select is(a.headers ->> 'content-range', wanted, method || ' with count=' || kind)
from (values ('POST', '/directors', '{"name": "n1"}', 'exact', '*/1'), ('POST', '/directors', '{"name": "n2"}', 'estimated', '*/1'), ('POST', '/directors', '{"name": "n3"}', 'planned', '*/*'),
    ('PATCH', '/directors?id=eq.10', '{"name": "X"}', 'planned', '0-0/*'), ('DELETE', '/directors?id=eq.0', null, 'exact', '*/0'), ('DELETE', '/directors?id=eq.0', null, 'planned', '*/*')) as cases(method, target, payload, kind, wanted),
  testing.answer(method, target, jsonb_build_object('prefer', 'count=' || kind), payload) as a;

-- PUT.
select is(pg_temp.write('PUT', '/directors?id=eq.30', '{"id": 30, "name": "Thirty"}', 'return=representation'), '201 [{"id":30,"name":"Thirty","born":null}]', 'PUT a new row');
select is(pg_temp.write('PUT', '/directors?id=eq.30', '{"id": 30, "name": "30"}', 'return=representation'), '200 [{"id":30,"name":"30","born":null}]', 'and again');
select is(pg_temp.write('PUT', '/directors?id=eq.30', '{"id": 30, "name": "3"}'), '204', 'with nothing back');
select is(testing.failed('PUT', '/directors?id=eq.30', '{}', '{"id": 31, "name": "3"}'), '400 PGRST115', 'another key');
select is(testing.failed('PUT', '/directors?id=eq.30', '{}', payload), '400 PGRST115', 'no key in ' || payload)
from (values ('{"name": "3"}'), ('{}'), ('[]'), ('5')) as cases(payload);
select is(testing.failed('PUT', '/directors?name=eq.3', '{}', '{"id": 30, "name": "3"}'), '405 PGRST105', 'not the key');
select is(testing.failed('PUT', '/directors?id=eq.30&limit=1', '{}', '{"id": 30, "name": "3"}'), '400 PGRST114', 'with a limit');

-- DELETE.
select is(pg_temp.write('DELETE', '/directors?id=eq.30', null), '204', 'DELETE');
select is(pg_temp.write('DELETE', '/directors?id=in.(20,21)&select=id', null, 'return=representation'), '200 [{"id":20},{"id":21}]', 'with a representation');
select is(testing.failed('DELETE', '/directors?id=eq.1'), '409 23503', 'of what is referred to');
select is(testing.failed('DELETE', '/directors?id=in.(11,12)', '{"prefer": "max-affected=1, handling=strict"}'), '400 PGRST124', 'max-affected');
select is((select count(*) from store.directors where id in (11, 12)), 2::bigint, 'leaves both');

-- Payloads that are refused.
select is(testing.failed('POST', '/directors', headers, payload), wanted, payload)
from (values
  ('{}'::jsonb, '{"name": ', '400 PGRST102'),
  ('{}', '', '400 PGRST102'),
  ('{}', '[{"name": "q"}, 1]', '400 PGRST102'),
  ('{}', '{"nope": 1}', '400 PGRST204'),
  ('{}', '{"name": null}', '400 23502'),
  ('{}', '{"name": "q", "born": "soon"}', '400 22007'),
  ('{}', '{"name": "a\u0000b"}', '400 22P05'),
  ('{"content-type": "application/msword"}', 'x', '400 PGRST102'),
  ('{"content-type": "text/csv"}', E'name\na,b', '400 PGRST102'),
  ('{"content-type": "application/x-www-form-urlencoded"}', 'name=%FF', '400 PGRST100')
) as cases(headers, payload, wanted);
select is((postern.handle(testing.with_settings(testing.request('POST', '/directors')), '\xff'::bytea)).status, 400, 'no UTF-8');

-- A write to a read-only relation, and in a read-only transaction.
create view store.totals as select count(*) from store.films;
select is(testing.failed('POST', '/totals', '{}', '{"count": 1}'), '500 55000', 'a view that cannot be inserted into');

-- Deferred constraints are checked before the answer.
select is(testing.failed('POST', '/late', '{}', '{"id": 1, "parent_id": 2}'), '409 23503', 'a deferred constraint');
select is(pg_temp.write('POST', '/late', '[{"id": 1, "parent_id": 2}, {"id": 2, "parent_id": null}]'), '201', 'which holds at the end');

-- How the transaction ends.
select is(testing.brief('POST', '/directors', '{"prefer": "tx=rollback"}', '{"id": 40, "name": "forty"}'), '201', 'tx=rollback');
select is((select count(*) from store.directors where id = 40), 1::bigint, 'is ignored where it is not allowed');
select set_config('testing.settings', '{"db_schemas": ["store"], "db_tx_end": "commit-allow-override"}', true);
select is(testing.brief('POST', '/directors?select=id', '{"prefer": "tx=rollback, return=representation"}', '{"id": 41, "name": "41"}', '{"tx": "commit-allow-override"}'),
  '201 [{"id":41}]', 'is answered');
select is(a.headers ->> 'preference-applied', 'tx=rollback', 'and said to be applied')
from testing.answer('POST', '/directors', '{"prefer": "tx=rollback"}', '{"id": 41, "name": "41"}', '{"tx": "commit-allow-override"}') as a;
select is((select count(*) from store.directors where id = 41), 0::bigint, 'and rolled back');
select set_config('testing.settings', '{"db_schemas": ["store"], "db_tx_end": "rollback"}', true);
select is(testing.brief('POST', '/directors', '{"prefer": "tx=commit"}', '{"id": 42, "name": "42"}', '{"tx": "rollback"}'), '201', 'db-tx-end=rollback');
select is((select count(*) from store.directors where id = 42), 0::bigint, 'rolls all back');
select set_config('testing.settings', '{"db_schemas": ["store"], "db_tx_end": "rollback-allow-override"}', true);
select is(testing.brief('POST', '/directors', '{"prefer": "tx=commit"}', '{"id": 43, "name": "43"}', '{"tx": "rollback-allow-override"}'), '201', 'tx=commit');
select is((select count(*) from store.directors where id = 43), 1::bigint, 'commits');

select * from finish();
rollback;

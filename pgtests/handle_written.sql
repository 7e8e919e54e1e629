-- Rows that are written as text are byte by byte what json_agg makes of them.
begin;
select no_plan();

create schema wall;
create domain wall.label as text check (value <> 'x');
create domain wall.sure as text not null;
create domain wall.count as int;
create type wall.mood as enum ('calm', 'he said "hm"');
create type wall.pair as (a int, b text);
select set_config('testing.settings', '{"db_schemas": ["wall"]}', true), set_config('client_min_messages', 'warning', true);

-- The text of a request's statement, and of the rows that json_agg makes.
create function pg_temp.statement(target text)
returns text
language sql
as $$
  select (testing.compiled('GET', target)).statement
$$;
create function pg_temp.rows(query text)
returns text
language plpgsql
as $$
declare
  made text;
begin
  execute format('select coalesce(json_agg(made.*)::text, ''[]'') from (%s) as made', query) into made;
  return made;
end
$$;
create function pg_temp.body(target text)
returns text
language sql
as $$
  select string_agg(distinct body, ' or ') from testing.answer('GET', target)
$$;

-- Every character below 1024 that text can hold, some others, and lengths about which buffers grow; with and without null.
create table wall.words (id int primary key, a text not null, b text, c varchar(2000) not null, d wall.label, e wall.sure, f char(9));
create function pg_temp.word(i int)
returns text
language sql
as $$
  select case when i between 1 and 1023 then chr(i) || 'x' || chr(i)
    else (array['', ' ', '"', '\', '\\"', '\u0001', '\n', E'\n', E'\r\n\t\b\f', E'\x7f\x01', 'null', '''', '''''', '{"a":1}', ', ', E'", \n {"', '</script>',
      U&'\2028\2029', U&'\+01F600', U&'\+10FFFF', U&'\FFFF\FEFF', U&'e\0301', repeat('a', 1023), repeat('"', 1024), repeat(U&'\00E9', 2000)])[i - 1023] end
$$;
insert into wall.words
select i, pg_temp.word(i), nullif(pg_temp.word(1 + i * 7 % 1048), 'Bx'), pg_temp.word(1 + i * 11 % 1048), pg_temp.word(i), 'sure', left(pg_temp.word(i), 3)
from generate_series(1, 1048) as i;
insert into wall.words select i, 'plain', null, 'too', null, 'y', null from generate_series(2000, 2009) as i;
select ok(pg_temp.statement('/words?order=id') like '%string_agg(%"a":%', 'words are written');
select ok(pg_temp.body('/words?order=id') = pg_temp.rows('select * from wall.words order by id'), 'words');
select ok(pg_temp.body('/words?order=id&select=id,' || name) = pg_temp.rows(format('select id, %s from wall.words order by id', name)), 'words: ' || name)
from unnest('{a,b,c,d,e,f}'::text[]) as name;
select is(pg_temp.body('/words?id=lt.0'), '[]', 'no rows');

-- Names.
select is(pg_temp.body('/words?id=lt.20&order=id&select="a\"\\' || repeat('long', 20) || '":a,"\\u0001":b,n:id'),
  pg_temp.rows(format('select a as %I, b as %I, id as n from wall.words where id < 20 order by id', 'a"\' || repeat('long', 20), '\u0001')), 'names are escaped, and as long as names can be');
select is(pg_temp.body('/words?id=lt.99&order=id&select=made:a,pgrst_answer:b,pgrst_embed:c,id'),
  pg_temp.rows('select a as made, b as pgrst_answer, c as pgrst_embed, id from wall.words where id < 99 order by id'), 'names that the statement uses');
select ok(pg_temp.statement('/words?select=id,a,a:b') not like '%string_agg%', 'two of one name are left to json_agg');
select ok(pg_temp.statement('/words?select=id,' || repeat('a', 63) || ':a,' || repeat('a', 64) || ':b') not like '%string_agg%', 'also if they are only once they are cut');

-- Every type that has a text form, with nulls.
create table wall.kinds (type text, samples text[]);
insert into wall.kinds values
  ('int2', '{-32768,0,32767}'), ('int4', '{-2147483648,0,2147483647}'), ('int8', '{-9223372036854775808,0,9223372036854775807}'),
  ('bool', '{t,f}'), ('text', '{a,"\"",""}'), ('varchar', '{a,"\\\\"}'), ('varchar(3)', '{abc,"a\"b"}'), ('bpchar', '{a}'), ('char(5)', '{a,"\"","     "}'), ('"char"', '{a,"\""}'), ('name', '{a,"a\"b"}'),
  ('uuid', '{123e4567-e89b-12d3-a456-426614174000}'), ('float4', '{0,-0,1e-20,1e20,0.1,NaN,Infinity,-Infinity}'), ('float8', '{0,-0,1e-300,1e300,0.1,NaN,Infinity,-Infinity}'),
  ('numeric', '{0,-0,1e-30,1e60,0.10,NaN,Infinity,-Infinity}'), ('numeric(9,2)', '{0,-0.005,1234567.89,NaN}'), ('money', '{12.34,-1000}'), ('oid', '{0,4294967295}'), ('regclass', '{pg_class}'), ('regtype', '{int4}'), ('xid', '{7}'), ('cid', '{7}'), ('tid', '{"(1,2)"}'), ('pg_lsn', '{0/16AE7F8}'),
  ('date', '{2024-02-29,0044-03-15 BC,infinity,-infinity,5874897-12-31}'), ('time', '{00:00:00,24:00:00,23:59:59.999999}'), ('timetz', '{12:00+05:30}'), ('timestamp', '{2024-02-29 12:00,infinity,0044-03-15 BC}'), ('timestamptz', '{2024-02-29 12:00+02,-infinity}'), ('interval', '{1 year -2 days 03:04:05.6,0}'),
  ('json', '{"{\"a\" : [1, \"x\\\\n\"]}","null","\"q\""," 1 ","{\"a\":1,\"a\":2}"}'), ('jsonb', '{"{\"a\" : [1, \"x\\\\n\"]}","null","\"q\"",1e3}'), ('jsonpath', '{"$.a[*] ? (@ == \"x\")"}'), ('xml', '{"<a b=\"c\"/>"}'),
  ('bytea', '{"\\\\x00ff","\\\\x"}'), ('bit(3)', '{101}'), ('varbit', '{1,""}'), ('inet', '{10.0.0.1/8,::1}'), ('cidr', '{10.0.0.0/8}'), ('macaddr', '{08:00:2b:01:02:03}'), ('macaddr8', '{08:00:2b:01:02:03:04:05}'),
  ('point', '{"(1,-0)"}'), ('line', '{"{1,2,3}"}'), ('lseg', '{"[(1,2),(3,4)]"}'), ('box', '{"(1,2),(3,4)"}'), ('path', '{"((1,2),(3,4))"}'), ('polygon', '{"((1,2),(3,4))"}'), ('circle', '{"<(1,2),3>"}'),
  ('tsvector', '{"''a\"b'':1 c"}'), ('tsquery', '{"''a\"b'' & c"}'), ('int4range', '{"[1,5)",empty}'), ('tsrange', '{"[2024-01-01 10:00,)"}'), ('int4multirange', '{"{[1,2),[5,6)}"}'),
  ('int4[]', '{"{}","{1,NULL}","{{1,2},{3,4}}"}'), ('text[]', '{"{a,\"b\\\"c\",NULL}"}'), ('jsonb[]', '{"{1,null}"}'),
  ('wall.label', '{a,"\""}'), ('wall.count', '{1}'), ('wall.mood', '{calm,"he said \"hm\""}'), ('wall.pair', '{"(1,\"a\"\"b\")"}'), ('wall.pair[]', '{"{\"(1,x)\"}"}'), ('wall.words', '{"(1,a,,c,,e,)"}'), ('aclitem', '{postgres=r/postgres}');
create function pg_temp.wrong_kinds(style text)
returns setof text
language plpgsql
as $$
declare
  kind record;
begin
  for kind in select replace(k.type, '''', '') as type, k.samples from wall.kinds as k loop
    execute 'drop table if exists wall.brick';
    execute format('create table wall.brick (id int generated always as identity, n int, v %s)', kind.type);
    execute format('insert into wall.brick (n, v) select case when place %% 2 = 0 then place end, sample::%s from unnest($1 || null::text) with ordinality as samples(sample, place)', kind.type)
      using array(select case when kind.type = 'aclitem' then replace(s, 'postgres', current_user) else s end from unnest(kind.samples) as s);
    if pg_temp.statement('/brick?order=id') not like '%string_agg%' then
      return next kind.type || ' is not written';
    elsif pg_temp.body('/brick?order=id') is distinct from pg_temp.rows('select * from wall.brick order by id') then
      return next format('%s with %s: %s', kind.type, style, pg_temp.body('/brick?order=id'));
    end if;
  end loop;
end
$$;
select is_empty($$ select * from pg_temp.wrong_kinds('defaults') $$, 'every type');
set local datestyle = 'SQL, DMY';
set local intervalstyle = iso_8601;
set local bytea_output = escape;
set local extra_float_digits = -3;
set local timezone = 'Asia/Kathmandu';
select is_empty($$ select * from pg_temp.wrong_kinds('other styles') $$, 'every type, however its text is to look');
reset datestyle; reset intervalstyle; reset bytea_output; reset extra_float_digits; reset timezone;

-- Each piece alone: texts with and without null, no texts at all, and a type that is no more what it was planned for.
create function pg_temp.written(outputs jsonb, query text)
returns boolean
language plpgsql
as $$
declare
  same boolean;
begin
  execute format('select bool_and(made_text is not distinct from row_to_json(listed)::text) from (%s) as listed, lateral (select %s as made_text from (select listed.*) as made) as one',
    query, (select postern.render_written_rows(node, postern.render_written(node, 'made')) from jsonb_build_object('written', outputs) as node)) into same;
  return same;
end
$$;
select ok(pg_temp.written(outputs::jsonb, query), query)
from (values
  ('[{"label": "a", "form": "text", "nullable": false}, {"label": "b", "form": "text", "nullable": false}]', $$ values ('x', 'y'), ('', 'z') $$),
  ('[{"label": "a", "form": "text", "nullable": true}]', $$ values ('x'), (null::text) $$),
  ('[{"label": "a", "form": "bare", "type": "integer", "nullable": false}, {"label": "b", "form": "quoted", "type": "uuid", "nullable": true}, {"label": "c"}]', $$ values (1, null::uuid, null::date), (null, gen_random_uuid(), 'today') $$)
) as cases(outputs, values_list), lateral (select format('select * from (%s) as listed(%s)', values_list,
  (select string_agg(output ->> 'label', ', ') from jsonb_array_elements(outputs::jsonb) as output)) as query) as made;
select throws_ok(format('select pg_temp.written(%L, %L)', format('[{"label": "a", "form": "%s", "type": "%s"}]', form, type), format('select text %L as a', '1,"role":"admin"')),
  '22P02', null, 'no text for ' || type)
from (values ('number', 'numeric'), ('number', 'real'), ('number', 'double precision'), ('bare', 'smallint'), ('bare', 'integer'), ('bare', 'bigint'), ('bare', 'boolean'), ('bare', 'json'), ('bare', 'jsonb'), ('quoted', 'uuid')) as cases(form, type);

-- Embeds in rows of each kind: texts to escape in the parent, in the child, in both.
create table wall.shelf (id int primary key, name text, note text);
create table wall.book (id int primary key, shelf_id int references wall.shelf, title text not null, price numeric);
create table wall.page (id int primary key, book_id int references wall.book, words text not null, lines int not null);
insert into wall.shelf select i, case i % 3 when 0 then 'a "shelf"' when 1 then 'shelf' end, E'a\tb' from generate_series(1, 30) as i;
insert into wall.book select i, nullif(1 + i % 20, 4), case i % 4 when 0 then E'the\nbook' else 'book ' || i end, case i % 5 when 0 then 'NaN' else i / 10.0 end from generate_series(1, 100) as i;
insert into wall.page select i, 1 + i % 90, case i % 7 when 0 then '\' else 'page' end, i from generate_series(1, 300) as i;
select is(pg_temp.body(together), pg_temp.body(together || each), together)
from (values
  ('/shelf?select=id,name,book(id,title)&order=id&book.order=id', '&book.limit=999'),
  ('/shelf?select=*,book(*,page(*))&order=id&book.order=id&book.page.order=id', '&book.limit=999&book.page.limit=999'),
  ('/shelf?select=id,name,books:book(id,title,price,pages:page(words,lines))&order=id&books.order=id&books.pages.order=id&limit=25', '&books.limit=999&books.pages.limit=999'),
  ('/shelf?select=id,book(id,title,...page(words))&order=id&book.order=id&book.page.order=id', '&book.limit=999'),
  ('/shelf?select=id,name,note,...book(title,pages:page(id,words))&order=id&book.order=id&book.pages.order=id', '&book.pages.limit=999'),
  ('/shelf?select=id,name,book(id,title,price,...page(id,words))&order=id&book.order=id&book.page.order=id', '&book.limit=999'),
  ('/book?select=id,title,shelf(id,name),page(id,words)&order=id&page.order=id', '&page.limit=999')
) as cases(together, each);
select ok(pg_temp.statement('/shelf?select=id,name,book(id,title)') like '%string_agg(%string_agg(%', 'both are written');
select ok(pg_temp.statement('/shelf?select=id,book(id,title)&limit=3') not like '%string_agg(%', 'few rows are not');
select ok(pg_temp.statement('/shelf?id=eq.1') not like '%string_agg(%', 'nor is one');
select is(pg_temp.body('/shelf?select=id,name,book(id,title)&id=in.(4,24)&order=id'),
  E'[{"id":4,"name":"shelf","book":[]}, \n {"id":24,"name":"a \\"shelf\\"","book":[]}]', 'none');
-- The statement takes texts to need no escape; when one does, one that looks at each row answers.
create function pg_temp.way(target text, headers jsonb default '{}')
returns text
language sql
as $$
  select case when strpos((postern.handle(testing.with_settings(testing.request('GET', target, headers)))).statement, '''escapes''') > 0
    then 'plain' else 'each' end
$$;
create table wall.pane (id int primary key, name text collate "C" not null, note text collate "POSIX");
create table wall.fly (id int primary key, pane_id int not null references wall.pane, name text, legs int not null);
insert into wall.pane select i, 'pane', null from generate_series(1, 20) as i;
insert into wall.fly select i, 1 + i % 7, nullif('fly', left('fly', i % 4)), 6 from generate_series(1, 60) as i;
create function pg_temp.panes()
returns text
language sql
as $$ select pg_temp.rows('select p.*, coalesce((select json_agg(f order by f.id) from (select id, name from wall.fly where pane_id = p.id) as f), ''[]'') as fly from wall.pane as p order by id') $$;
create function pg_temp.comes(target text, wanted text, way text, what text)
returns setof text
language sql
as $$
  select is(pg_temp.body(target), wanted, what)
  union all
  select is(pg_temp.way(target), way, what || ': ' || way)
$$;
create function pg_temp.panes_are(way text, what text)
returns setof text
language sql
as $$ select pg_temp.comes('/pane?select=*,fly(id,name)&order=id&fly.order=id', pg_temp.panes(), way, what) $$;
select pg_temp.panes_are('plain', 'nothing to escape');
update wall.fly set name = '"' where id = 44;
select pg_temp.panes_are('each', 'a child has something to escape');
update wall.fly set name = null where id = 44;
select pg_temp.panes_are('plain', 'no longer');
update wall.pane set note = E'a\tb' where id = 20;
select pg_temp.panes_are('each', 'a parent without children has something to escape');
-- An enum is a text that may need an escape, unless it has a cast to json.
create domain wall.humor as wall.mood;
create table wall.face (id int primary key, pane_id int not null references wall.pane, mood wall.mood not null, humor wall.humor, worth numeric(9,2), size real);
insert into wall.face select i, 1 + i % 7, 'calm', case i % 3 when 0 then 'calm' end::wall.humor, case i % 5 when 0 then 'NaN' when 1 then i / 10.0 end, case i % 3 when 0 then '-Infinity' else 1e20 end from generate_series(1, 60) as i;
create function pg_temp.faces_are(way text, what text)
returns setof text
language sql
as $$
  select pg_temp.comes('/pane?select=id,face(id,mood,humor,worth,size)&order=id&face.order=id', pg_temp.rows('select p.id, coalesce((select json_agg(f order by f.id)
    from (select id, mood, humor, worth, size from wall.face where pane_id = p.id) as f), ''[]'') as face from wall.pane as p order by id'), way, what)
$$;
select pg_temp.faces_are('plain', 'enums');
update wall.face set humor = 'he said "hm"' where id = 30;
select pg_temp.faces_are('each', 'an enum with something to escape');
update wall.face set humor = null;
create function wall.mood_json(wall.mood) returns json language sql immutable as $$ select '["mood"]'::json $$;
create cast (wall.mood as json) with function wall.mood_json(wall.mood);
select pg_temp.faces_are('each', 'an enum that is cast to json');
drop cast (wall.mood as json);
select is(pg_temp.body('/fly?select=id,legs,pane_id&order=id'), pg_temp.rows('select id, legs, pane_id from wall.fly order by id'), 'no texts at all');
select is(pg_temp.way('/fly?select=id,legs,pane_id'), 'each', 'so none to search');
select is(pg_temp.body('/fly?select=legs,name&id=lt.0'), '[]', 'texts of no rows');
select is(pg_temp.way('/fly?select=legs,name&id=lt.0'), 'plain', 'need no escape');
select is(pg_temp.body('/fly?select=legs,name,pane_id&order=id'), pg_temp.rows('select legs, name, pane_id from wall.fly order by id'), 'nullable texts');
alter table wall.pane alter name drop not null;
insert into wall.pane values (21, null, null);
update pg_attribute set attnotnull = true where attrelid = 'wall.pane'::regclass and attname = 'name'; -- as one that is not validated
select is(pg_temp.body('/pane?select=id,name&order=id'), pg_temp.rows('select id, name from wall.pane order by id'), 'a null where none was to be expected');
select is(pg_temp.body('/pane?select=id,name&id=gt.20'), '[{"id":21,"name":null}]', 'alone');
select is(pg_temp.body('/pane?select=id,name,fly(name)&order=id&fly.order=id'), pg_temp.rows(
  'select id, name, coalesce((select json_agg(f) from (select name from wall.fly where pane_id = p.id order by fly.id) as f), ''[]'') as fly from wall.pane as p order by id'), 'in a parent');
select is((testing.answer('GET', target, '{"prefer": "count=exact"}')).body || ' ' || pg_temp.way(target, '{"prefer": "count=exact"}'), pg_temp.rows(query) || wanted, 'counted ' || target)
from (values ('/shelf?order=id', 'select * from wall.shelf order by id', ' each'),
  ('/fly?select=legs,name,pane_id&order=id', 'select legs, name, pane_id from wall.fly order by id', ' plain')) as cases(target, query, wanted);

select * from finish();
rollback;

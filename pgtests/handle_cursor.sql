-- Pages by cursor, from the request to the answer.
begin;
select no_plan();

create schema shelf;
create table shelf.press (id int primary key, name text);
create table shelf.books (id int primary key, title text, price numeric, press_id int references shelf.press, data jsonb, "the ""day""" date not null default '2020-01-01', cursor int);
create index on shelf.books (price, id);
create table shelf.pages (book_id int references shelf.books, no int, primary key (book_id, no));
insert into shelf.press values (1, 'Quay'), (2, 'Alder'), (3, null);
insert into shelf.books select i, case when i % 4 > 0 then chr(97 + i % 5) end, case when i % 3 > 0 then i % 6 / 10.0 end, nullif(i % 4, 0),
  jsonb_build_object('n', i % 4, 'x', case when i % 2 = 0 then 'even' end), '2020-01-01'::date + i % 3, i % 2 from generate_series(1, 23) as i;
insert into shelf.pages select i, j from generate_series(1, 23) as i, generate_series(1, i % 4) as j;
create view shelf.cheap as select title as label, id as key, price from shelf.books where price < 0.4 or price is null;
create view shelf.joined as select b.id, p.name from shelf.books as b join shelf.press as p on p.id = b.press_id;
create table shelf.keyless (a int);
create table shelf.unproven (id int primary key, title text);
insert into shelf.unproven select i, case when i % 3 > 0 then chr(97 + i % 5) end from generate_series(1, 12) as i;
create view shelf.unproven_view as select id as key, title as label from shelf.unproven;
create table shelf.unproven_key (code int unique, title text);
insert into shelf.unproven_key values (1, 'a'), (null, 'b'), (null, 'c');
do $$
begin
  if current_setting('server_version_num')::int >= 180000 then -- without, these are columns that can be null
    execute 'alter table shelf.unproven add not null title not valid';
    execute 'alter table shelf.unproven_key add not null code not valid';
  end if;
end
$$;
create table shelf.split (id int primary key, x text) partition by hash (id);
create table shelf.split_0 partition of shelf.split for values with (modulus 2, remainder 0);
create table shelf.split_1 partition of shelf.split for values with (modulus 2, remainder 1);
insert into shelf.split select i, i % 3 from generate_series(1, 9) as i;
create table shelf.own (id int primary key, owner name);
alter table shelf.own enable row level security;
create policy mine on shelf.own using (owner = current_user);
insert into shelf.own select i, case when i % 2 = 0 then 'store_anon' else 'store_clerk' end from generate_series(1, 9) as i;
create table shelf.some (id int primary key, shown text, hidden text);
create table shelf.secret_key (id int primary key, shown text);
insert into shelf.some select i, i % 2, i % 3 from generate_series(1, 5) as i;
create function shelf.full_title(shelf.books) returns text language sql immutable as $$ select $1.title || '!' $$;
create function shelf.some_books() returns setof shelf.books language sql stable as 'select * from shelf.books';
create function shelf.echo(cursor text) returns text language sql immutable as 'select cursor';
grant usage on schema shelf to store_anon;
grant select on shelf.books, shelf.press, shelf.own to store_anon;
grant select (id, shown) on shelf.some to store_anon;
grant select (shown) on shelf.secret_key to store_anon;
select set_config('testing.settings', '{"db_schemas": ["shelf", "store"], "db_aggregates_enabled": true}', true);

create function pg_temp.link(answer testing.answer, rel text) returns text language sql as $$
  select substring(answer.headers ->> 'link' from '<([^>]*)>; rel="' || rel || '"') $$;
-- All rows of the pages from a target on, by the links to the next ones or those before.
create function pg_temp.walk(target text, rel text default 'next') returns jsonb language plpgsql as $$
declare
  rows jsonb := '[]';
  answer testing.answer;
begin
  for n in 1 .. 50 loop
    answer := testing.answer('GET', target);
    if answer.status <> 200 then
      return answer.body;
    end if;
    rows := case rel when 'next' then rows || answer.body::jsonb else answer.body::jsonb || rows end;
    target := pg_temp.link(answer, rel);
    exit when target is null;
  end loop;
  return rows;
end $$;
create function pg_temp.last(target text) returns text language plpgsql as $$
declare
  next text := target;
begin
  while next is not null loop
    target := next;
    next := pg_temp.link(testing.answer('GET', target), 'next');
  end loop;
  return target;
end $$;

create temporary table walks as select * from (values
  ('/books?select=id', 'id'), ('/books?select=id,title,price&order=price', 'price,id'), ('/books?select=id&order=price.desc', 'price.desc,id.desc'),
  ('/books?select=id&order=price.nullsfirst,title.desc', 'price.nullsfirst,title.desc,id.desc'), ('/books?order=title.desc.nullslast,id', 'title.desc.nullslast,id'),
  ('/books?select=id&order=data->n.desc,data->>x', 'data->n.desc,data->>x,id'), ('/books?select=id&order="the%20\"day\"".desc,cursor', '"the%20\"day\"".desc,cursor,id'),
  ('/books?select=id,full_title&order=full_title', 'full_title,id'), ('/books?select=id,press(name)&order=press(name).desc', 'press(name).desc,id.desc'),
  ('/books?select=id,pages(no)&pages.order=no&order=title', 'title,id'), ('/books?select=id,...press(name)&press=not.is.null&order=press_id', 'press_id,id'),
  ('/books?select=*,pages!inner(no)&pages.no=gt.1', 'id'), ('/books?select=title:id,id:title,a:id&or=(price.is.null,id.lt.9)&order=title', 'title,id'),
  ('/pages?select=no,book_id', 'book_id,no'), ('/pages?order=no.desc&book_id=gt.5', 'no.desc,book_id.desc'), ('/cheap?order=price', 'price,key'),
  ('/split?order=x', 'x,id'), ('/unproven?order=title', 'title,id'), ('/unproven?order=title.desc', 'title.desc,id.desc'),
  ('/unproven_view?order=label.desc', 'label.desc,key.desc'), ('/books?cursor=eq.1&select=id', 'id'), ('/own', 'id')) as listed (target, full_order);
create temporary table walked as select target, plain, pg_temp.walk(start) as forward, pg_temp.walk(pg_temp.last(start), 'prev') as back
from walks, lateral (select case when strpos(target, '?') > 0 then '&' else '?' end as sign) as s, lateral (select target || sign || 'cursor=first&limit=9') as starts (start),
  lateral (select body::jsonb as plain from testing.answer('GET', regexp_replace(target, '([?&])order=[^&]*', '\1') || sign || 'order=' || full_order)) as p;
select is(made, plain, concat_ws(' ', target, way)) from walked, lateral (values (forward, 'forward'), (back, 'back')) as ways (made, way);

-- Headers.
create function pg_temp.page(method text, target text, headers jsonb default '{}') returns text language sql as $$
  select concat_ws(' | ', a.status, a.headers ->> 'content-range', regexp_replace(a.headers ->> 'link', '(after|before)\.[^&>]*', '\1.T', 'g'), a.body)
  from testing.answer(method, target, headers) as a $$;
select is(pg_temp.page(method, target, headers::jsonb), wanted, concat_ws(' ', method, target, headers))
from (values
  ('GET', '/books?select=id&cursor=first&limit=2', '{}', '200 | 0-1/* | </books?cursor=after.T&limit=2&select=id>; rel="next" | [{"id":1}, ' || E'\n {"id":2}]'),
  ('HEAD', '/books?select=id&cursor=first&limit=2', '{}', '200 | 0-1/* | </books?cursor=after.T&limit=2&select=id>; rel="next"'),
  ('GET', '/books?select=id&cursor=first&limit=2&id=gt.21', '{}', '200 | 0-1/* | [{"id":22}, ' || E'\n {"id":23}]'),
  ('GET', '/books?select=id&cursor=first&limit=0', '{}', '200 | */* | []'),
  ('GET', '/books?select=id&cursor=first&limit=2&id=gt.23', '{}', '200 | */* | []'),
  ('GET', '/books?select=id&cursor=first&limit=1&title=eq.%26', '{"prefer": "count=exact"}', '200 | */0 | []'),
  ('GET', '/books?select=id&cursor=first&limit=1', '{"prefer": "count=exact"}', '206 | 0-0/23 | </books?cursor=after.T&limit=1&select=id>; rel="next" | [{"id":1}]'),
  ('GET', '/books?select=id&cursor=first&limit=99&id=lt.2', '{"prefer": "count=exact"}', '200 | 0-0/1 | [{"id":1}]'),
  ('GET', '/books?select=id&cursor=first&limit=1', '{"accept": "text/csv"}', '200 | 0-0/* | </books?cursor=after.T&limit=1&select=id>; rel="next" | id' || E'\n1'),
  ('GET', '/books?select=id&cursor=first&limit=1', '{"accept": "application/vnd.pgrst.object+json"}', '200 | 0-0/* | </books?cursor=after.T&limit=1&select=id>; rel="next" | {"id":1}'),
  ('GET', '/books?id=eq.7&select=id&cursor=first&limit=1', '{}', '200 | 0-0/* | [{"id":7}]')
) as cases (method, target, headers, wanted);
select is(pg_temp.page('GET', pg_temp.link(testing.answer('GET', '/books?select=id&title=neq.%26%20&limit=2&cursor=first&order=id.desc'), 'next'), '{"prefer": "count=exact"}'),
  '206 | */18 | </books?cursor=after.T&limit=2&order=id.desc&select=id&title=neq.%26%20>; rel="next", </books?cursor=before.T&limit=2&order=id.desc&select=id&title=neq.%26%20>; rel="prev" | '
  || E'[{"id":21}, \n {"id":19}]', 'both links, and the count is of all pages');
select is(testing.answer('GET', '/books?select=id&limit=1&cursor=first') ::text like '%expose-headers%Link%', true, 'browsers may read Link');
select set_config('testing.settings', '{"db_schemas": ["shelf"], "db_max_rows": 2, "db_plan_enabled": true}', true);
select is(pg_temp.page('GET', '/books?select=id&cursor=first&limit=20&id=gt.20'), '200 | 0-1/* | </books?cursor=after.T&id=gt.20&limit=20&select=id>; rel="next" | [{"id":21}, ' || E'\n {"id":22}]', 'db-max-rows');
select is(pg_temp.page('GET', '/books?select=id&cursor=first&id=gt.22'), '200 | 0-0/* | [{"id":23}]', 'db-max-rows is a limit');
select matches((testing.answer('GET', '/books?cursor=first', '{"accept": "application/vnd.pgrst.plan"}')).body, 'pgrst_page', 'the execution plan');
select set_config('testing.settings', '{"db_schemas": ["shelf", "store"], "db_aggregates_enabled": true}', true);

-- An index finds the page, wherever it begins.
create table shelf.deep (id int primary key, kind int not null, made timestamptz);
insert into shelf.deep select i, i / 9, case when i % 9 > 0 then '2020-01-01'::timestamptz + i * interval '1 s' end from generate_series(1, 3000) as i;
create index on shelf.deep (kind, id);
create index on shelf.deep (made, id);
analyze shelf.deep;
select set_config('testing.settings', '{"db_schemas": ["shelf"], "db_plan_enabled": true}', true);
select ok(plan ~ ('Index Cond: .*' || wanted) and plan !~ 'Seq Scan|Filter: [^\n]*\m(kind|made|id)\M', order_by || ' is read by index')
from (values ('id', '\(id > '), ('kind', 'ROW\(kind, id\) > ROW'), ('kind.desc', 'ROW\(kind, id\) < ROW'), ('made', 'ROW\(made, id\) > ROW.*made IS NULL'), ('made.desc.nullslast', 'ROW\(made, id\) < ROW'),
    ('kind.desc,id', 'kind < .*kind = .* AND \(id > ')) as orders (order_by, wanted),
  lateral pg_temp.link(testing.answer('GET', '/deep?limit=7&cursor=first&order=' || order_by), 'next') as next,
  lateral (select body as plan from testing.answer('GET', next, '{"accept": "application/vnd.pgrst.plan"}')) as p;
select set_config('testing.settings', '{"db_schemas": ["shelf", "store"], "db_aggregates_enabled": true}', true);

-- Wrong use.
create function pg_temp.next(target text) returns text language sql as $$ select pg_temp.link(testing.answer('GET', target), 'next') $$;
select is(testing.failed(method, target, headers::jsonb), wanted, concat_ws(' ', method, target, headers))
from (values
  ('GET', '/books?cursor=first', '{}', '400 PGRST160'), ('GET', '/books?cursor=first&limit=1&offset=0', '{}', '400 PGRST160'),
  ('GET', '/books?cursor=first&limit=1', '{"range": "0-1"}', '400 PGRST160'), ('GET', '/books?cursor=first&cursor=first&limit=1', '{}', '400 PGRST160'),
  ('GET', '/books?select=*,pages(no)&pages.cursor=first&limit=1', '{}', '400 PGRST160'), ('GET', '/books?cursor=first&limit=-1', '{}', '416 PGRST103'),
  ('GET', '/books?cursor=after.&limit=1', '{}', '400 PGRST158'), ('GET', '/books?cursor=after.abc&limit=1', '{}', '400 PGRST158'),
  ('GET', '/books?cursor=after.1~abc&limit=1', '{}', '400 PGRST158'), ('GET', '/books?cursor=before.'';drop--&limit=1', '{}', '400 PGRST158'),
  ('GET', '/keyless?cursor=first&limit=1', '{}', '400 PGRST159'), ('GET', '/unproven_key?cursor=first&limit=1', '{}', '400 PGRST159'),
  ('GET', '/joined?cursor=first&limit=1', '{}', '400 PGRST159'),
  ('GET', '/books?select=count()&cursor=first&limit=1', '{}', '400 PGRST159'), ('GET', '/books?order=nope&cursor=first&limit=1', '{}', '400 42703'),
  ('GET', '/nope?cursor=first&limit=1', '{}', '404 PGRST205'), ('GET', '/books?select=id&order=pages(no)&cursor=first&limit=1', '{}', '400 PGRST108'),
  ('GET', '/books?cursor=last&limit=1', '{}', '400 PGRST100'), ('GET', '/books?cursor=not.first&limit=1', '{}', '400 PGRST100'),
  ('PATCH', '/books?cursor=first&limit=1', '{}', '400 PGRST100'), ('DELETE', '/books?cursor=after.abc', '{}', '400 PGRST100')
) as cases (method, target, headers, wanted);
select is(testing.failed('GET', target), '400 PGRST158', target)
from (
  select regexp_replace(t, 'order=price', 'order=' || other) as target from pg_temp.next('/books?order=price&cursor=first&limit=20') as t, (values ('price.desc'), ('title'), ('price,title'), ('price.nullsfirst')) as o (other)
  union all
  select regexp_replace(t, '^/books', '/split') from pg_temp.next('/books?cursor=first&limit=2') as t
  union all
  select regexp_replace(t, 'after\.', 'after.' || nulls) from pg_temp.next('/books?order=price&cursor=first&limit=2') as t, (values ('00~'), ('10~'), ('0~'), ('000~'), ('~')) as n (nulls)
  union all
  select regexp_replace(t, 'after\.10~', 'after.' || nulls) from pg_temp.next('/books?order=price.desc&cursor=first&limit=2') as t, (values (''), ('00~'), ('01~'), ('11~')) as n (nulls)
  union all
  select overlay(t placing chr(97 + n) from 22 + n for 1) from pg_temp.next('/books?cursor=first&limit=2') as t, generate_series(0, 15, 5) as n
    where substr(t, 22 + n, 1) <> chr(97 + n)
) as tampered where strpos(target, '00~') = 0 or strpos(target, 'desc') > 0 or strpos(target, '000~') > 0;
insert into shelf.books (id, title) values (99, repeat('x', 5000));
select is(testing.failed('GET', '/books?cursor=first&limit=1&order=title.desc.nullslast'), '400 PGRST159', 'a value too long for a cursor');
delete from shelf.books where id = 99;

-- The parameter is an argument of functions, and a filter where it is one.
select is(testing.get('/rpc/echo?cursor=first'), '200 "first"', 'an argument');
select is(testing.failed('GET', '/rpc/some_books?cursor=first&limit=1'), '404 PGRST202', 'functions have no cursor');
select is(testing.get('/books?select=id&cursor=eq.1&limit=1'), '200 [{"id":1}]', 'a column of that name');
select is(testing.failed('GET', '/books?select=id&"cursor"=first'), '400 PGRST100', 'a column of that name that is quoted is no cursor');

-- A token that somebody made who knows how: its values are parameters.
select is(testing.failed('GET', '/books?limit=1&cursor=after.' || postern.cursor_token(signature, array[value])), wanted, 'forged: ' || value)
from (values ('x', '400 22P02'), (E'1''; drop table shelf.books; --', '400 22P02')) as forged (value, wanted),
  lateral (select substring((testing.compiled('GET', '/books?limit=1&cursor=first')).statement from 'cursor_token\(''([0-9a-f]{64})') as signature) as s;
select is(postern.cursor_values(postern.cursor_token('ab', vals), 'ab', '00'), vals, vals::text) from (values ('{a,b}'::text[]), (array['', E'"\\\n{}~ é€'])) as v (vals);
select is(postern.cursor_values(substr(postern.cursor_token('ab', '{NULL,b}'), 4), 'ab', '10'), '{NULL,b}', 'a null');
select is(postern.cursor_nulls('{NULL,b}'), '10', 'cursor_nulls');
select is(postern.sort_text(0.1::float8 + 0.2::float8), '0.30000000000000004', 'sort_text') from set_config('extra_float_digits', '0', true);

-- Rights.
set local role store_anon;
select is(pg_temp.walk('/own?select=id&cursor=first&limit=1'), '[{"id": 2}, {"id": 4}, {"id": 6}, {"id": 8}]', 'row security');
select is(pg_temp.walk('/some?select=id,shown&cursor=first&limit=2&order=shown'), '[{"id": 2, "shown": "0"}, {"id": 4, "shown": "0"}, {"id": 1, "shown": "1"}, {"id": 3, "shown": "1"}, {"id": 5, "shown": "1"}]',
  'some columns');
select is(testing.failed('GET', '/some?select=id&cursor=first&limit=2&order=hidden'), '403 42501', 'the order needs the column');
select is(testing.failed('GET', '/secret_key?select=shown&cursor=first&limit=2'), '403 42501', 'a cursor needs the key');
reset role;

-- With a QUERY links are of what stands in its URL, and tags are those of all reads.
create function pg_temp.query(target text, body text) returns testing.answer language sql as
  $$ select testing.answer('QUERY', target, '{"content-type": "application/x-www-form-urlencoded"}', body) $$;
select is(pg_temp.link(pg_temp.query(target, body), 'next'), replace(wanted, 'TOKEN', token), target || ' with ' || body)
from (values ('/books?cursor=first&limit=2', 'select=id', '/books?cursor=after.TOKEN&limit=2'), ('/books?limit=2', 'cursor=first', '/books?limit=2&cursor=after.TOKEN'),
    ('/books', 'cursor=first&limit=2', '/books?cursor=after.TOKEN')) as cases (target, body, wanted),
  lateral (select substring(pg_temp.next('/books?cursor=first&limit=2') from 'after.([^&]*)') as token) as t;
select is((pg_temp.query('/books?cursor=first', 'limit=2')).headers -> 'content-location', null, 'no Content-Location');
select is(testing.failed('GET', target, headers), wanted, target || headers) from (values
    ('/books?select=id&cursor=first&limit=2', '{"prefer": "etag"}'::jsonb, '200'), ('/books?select=id&cursor=first&limit=2', '{"if-none-match": "*"}', '304'),
    ('/books?select=id&cursor=first&limit=2', '{"if-match": "\"x\""}', '412 PGRST155')) as cases (target, headers, wanted);
select is((testing.answer('GET', target, '{"prefer": "etag"}')).headers ->> 'etag' ~ '^W/', weak, 'a tag: ' || target) from (values
    ('/books?select=id&cursor=first&limit=2', false), ('/books?select=id,pages(no)&cursor=first&limit=2', true)) as cases (target, weak);
select is((testing.answer('HEAD', target, headers)).headers ->> 'etag', (testing.answer('GET', target, headers)).headers ->> 'etag', 'HEAD')
from (values ('/books?select=id&cursor=first&limit=2', '{"prefer": "etag"}'::jsonb)) as cases (target, headers);

-- As the shell sends it.
select is(convert_from(a.body, 'UTF8'), '[{"id":3}]', 'cut')
from pg_temp.next('/books?select=id&cursor=first&limit=2') as next,
  postern.handle(testing.cut_request('GET', '/books?select=id&cursor=after.%01&limit=1', 1), null, array['?x', split_part(substring(next from 'after.([^&]*)'), '&', 1)]) as a;
select ok(flags @> '{"keep": true, "params": ["text", "bytea", "unknown"]}', 'the statement is kept, the token a parameter')
from postern.compile(testing.cut_request('GET', '/books?select=id&cursor=after.01~%01&order=price&limit=1', 1));

select * from finish();
rollback;

-- Columns and relations that are named as anything in the generated SQL might be.
begin;
select no_plan();
select set_config('testing.settings', '{"db_schemas": ["odd"]}', true);

create schema odd;
create table odd.answer (id int primary key, answer text, body text, page int, total int, made text, made_for text, status int, headers text);
create table odd.embed (id int primary key, answer_id int references odd.answer, embed text, rows text, f1 text, f2 text, o1 text, e1 text, s1 text,
  one text, many text, key_id int, whole_row text, nothing int, children text, parent_1_1 int, level_0 text, level_1 text);
create table odd.body (body int primary key, read text, excluded text);
insert into odd.answer values (1, 'yes', 'b', 3, 4, 'm', 'f', 200, 'h');
insert into odd.embed (id, answer_id, embed, f1, key_id) values (1, 1, 'in', 'field', 7);
insert into odd.body values (1, 'r', 'e');
grant usage on schema odd to store_clerk;
grant all on all tables in schema odd to store_clerk;

select is(testing.brief('GET', target), wanted, target)
from (values
  ('/answer', '200 [{"id":1,"answer":"yes","body":"b","page":3,"total":4,"made":"m","made_for":"f","status":200,"headers":"h"}]'),
  ('/answer?select=answer', '200 [{"answer":"yes"}]'),
  ('/answer?select=answer,embed(embed)', '200 [{"answer":"yes","embed":[{"embed":"in"}]}]'),
  ('/answer?select=answer,embed(embed,answer(answer))', '200 [{"answer":"yes","embed":[{"embed":"in","answer":{"answer":"yes"}}]}]'),
  ('/answer?id=eq.1&select=answer,embed(embed)', '200 [{"answer":"yes","embed":[{"embed":"in"}]}]'),
  ('/embed?select=embed,answer(answer,id)', '200 [{"embed":"in","answer":{"answer":"yes","id":1}}]'),
  ('/embed?select=f1,...answer(body)', '200 [{"f1":"field","body":"b"}]'),
  ('/answer?select=...embed(embed,f2)', '200 [{"embed":["in"],"f2":[null]}]')
) as cases(target, wanted);
select ok(testing.brief('GET', '/embed?select=*,x:f1,answer(*)') like '200 %"key_id":7,%"x":"field"%', 'a star beside fields and keys');
select is(testing.brief('GET', '/answer?select=id,answer', '{"accept": "text/csv"}'), E'200 id,answer\n1,yes', 'CSV');
select is(testing.brief('POST', '/body', '{"prefer": "return=representation"}', '{"body": 2, "read": "x", "excluded": "y"}'), '201 [{"body":2,"read":"x","excluded":"y"}]', 'POST');
select is(testing.brief('PATCH', '/body?body=eq.2', '{"prefer": "return=representation"}', '{"read": "z"}'), '200 [{"body":2,"read":"z","excluded":"y"}]', 'PATCH');
select is(testing.brief('PUT', '/body?body=eq.2', '{"prefer": "return=representation"}', '{"body": 2, "read": "w", "excluded": "v"}'), '200 [{"body":2,"read":"w","excluded":"v"}]', 'PUT');
select is(testing.brief('DELETE', '/body?body=eq.2', '{"prefer": "return=representation"}'), '200 [{"body":2,"read":"w","excluded":"v"}]', 'DELETE');
select is(testing.brief('PATCH', '/answer?id=eq.1', '{"prefer": "return=representation"}', '{"answer": "no"}') like '200 %"answer":"no"%', true, 'PATCH of a relation named answer');

create table odd.pgrst_answer (id int primary key, pgrst_embed text);
create table odd.pgrst_body (like odd.pgrst_answer including all);
create table odd.pgrst_embed (like odd.pgrst_answer including all);
create table odd.pgrst_source (like odd.pgrst_answer including all);
create table odd.excluded (like odd.pgrst_answer including all);
grant all on all tables in schema odd to store_clerk;
select is(testing.brief(method, '/' || name || query, jsonb_build_object('prefer', 'return=representation' || prefer), payload), wanted, concat_ws(' ', method, name, payload))
from (values
  (1, 'POST', '', '', '{"id": 1, "pgrst_embed": "x"}', '201 [{"id":1,"pgrst_embed":"x"}]'),
  (2, 'POST', '', ', resolution=merge-duplicates', '{"id": 1, "pgrst_embed": "y"}', '200 [{"id":1,"pgrst_embed":"y"}]'),
  (3, 'POST', '', ', resolution=merge-duplicates', '[{"id": 1, "pgrst_embed": "z"}, {"id": 2, "pgrst_embed": "z"}]', '201 [{"id":1,"pgrst_embed":"z"},{"id":2,"pgrst_embed":"z"}]'),
  (4, 'PUT', '?id=eq.1', '', '{"id": 1, "pgrst_embed": "x"}', '200 [{"id":1,"pgrst_embed":"x"}]'),
  (5, 'PATCH', '?id=eq.1', '', '{"pgrst_embed": "y"}', '200 [{"id":1,"pgrst_embed":"y"}]'),
  (6, 'DELETE', '?id=eq.1', '', null, '200 [{"id":1,"pgrst_embed":"y"}]')
) as cases(place, method, query, prefer, payload, wanted), unnest('{pgrst_answer,pgrst_body,pgrst_embed,pgrst_source,excluded}'::text[]) as name
order by name, place;

-- Names that an alias could be: a root named as an embed with its depth, a relation named as the alias of a junction.
create table odd.part (id int primary key, name text);
create table odd.part_1 (id int primary key, part_id int references odd.part);
create table odd.junction (id int primary key);
create table odd.part_of (part int references odd.part, junction int references odd.junction, primary key (part, junction));
insert into odd.part values (1, 'a'), (2, 'b');
insert into odd.part_1 values (1, 1), (2, 2), (3, null);
insert into odd.junction values (1);
insert into odd.part_of values (2, 1);
-- Names of 63 bytes, that differ in the last: of a relation that refers to itself, and of two columns of a key.
do $$
begin
  execute format('create table odd.%1$I (id int primary key, %2$I int, %3$I int, above int references odd.%1$I, unique (%2$I, %3$I))',
    repeat('t', 63), repeat('c', 62) || '1', repeat('c', 62) || '2');
  execute format('insert into odd.%I values (1, 1, 2, null), (2, 1, 3, 1), (3, 2, 2, 2)', repeat('t', 63));
  execute format('create table odd.leaf (id int primary key, x int, y int, foreign key (x, y) references odd.%I (%I, %I))',
    repeat('t', 63), repeat('c', 62) || '1', repeat('c', 62) || '2');
end
$$;
insert into odd.leaf values (1, 1, 2), (2, 1, 3), (3, 1, 3);
grant all on all tables in schema odd to store_clerk;
select is(testing.brief('GET', target), wanted, left(target, 90))
from (values
  ('/part_1?select=id,part!inner(name)&part.name=eq.b', '200 [{"id":2,"part":{"name":"b"}}]'),
  ('/part_1?select=id,part(name)&order=part(name).desc.nullslast', '200 [{"id":2,"part":{"name":"b"}},{"id":1,"part":{"name":"a"}},{"id":3,"part":null}]'),
  ('/part_1?select=id,part()&part=is.null', '200 [{"id":3}]'),
  ('/part?select=id,junction!inner(id)', '200 [{"id":2,"junction":[{"id":1}]}]'),
  ('/' || repeat('t', 63) || '?select=id,below:' || repeat('t', 63) || '!inner(id)', '200 [{"id":1,"below":[{"id":2}]},{"id":2,"below":[{"id":3}]}]'),
  ('/' || repeat('t', 63) || '?select=id,above!inner(id,above!inner(id))', '200 [{"id":3,"above":{"id":2,"above":{"id":1}}}]'),
  ('/' || repeat('t', 63) || '?select=id,leaf(id)', '200 [{"id":1,"leaf":[{"id":1}]},{"id":2,"leaf":[{"id":2},{"id":3}]},{"id":3,"leaf":[]}]')
) as cases(target, wanted);

select * from finish();
rollback;

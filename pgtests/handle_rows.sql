-- Rows in answers: aggregates in functional notation, computed fields, groups, patterns, and names that are also ours.
begin;
select no_plan();

create schema post;
create table post.users (id int primary key, name text, "Name" text, payload jsonb, parent int references post.users);
create table post.views (id int primary key, a int references post.users, b int references post.users, views int, words text);
insert into post.users values (1, 'a', 'A', '{"i":2}', null), (2, 'b%', 'B', '{"i":1}', 1);
insert into post.views values (1, 1, 2, 5, 'x y'), (2, 1, 1, 7, 'y');
create function post.vec(post.views) returns tsvector language sql immutable as $$ select to_tsvector('simple', $1.words) $$;
create function post.shout(post.users) returns text language sql immutable as $$ select upper($1.name) $$;
create function post.both(post.users) returns setof int language sql immutable as $$ values (1), (2) $$;
create function post.f() returns setof post.users language sql stable as $$ select * from post.users order by id $$;
create table post.pgrst_answer (id int primary key, pgrst_embed text, pgrst_answer text);
create table post.pgrst_embed (id int primary key, pgrst_embed int references post.pgrst_answer, note text);
create table post.pgrst_body (id int primary key, pgrst_level_0 text, "f1$" text);
create table post.pgrst_source (id int primary key, a int references post.pgrst_body);
create table post.excluded (id int primary key, a text);
create table post.e1 (id int primary key, level_1 int references post.excluded);
insert into post.pgrst_answer values (1, 'x', 'y'), (2, 'z', null);
insert into post.pgrst_embed values (1, 1, 'n'), (2, 1, 'm'), (3, 2, 'o');
insert into post.pgrst_body values (1, 'p', 'q');
insert into post.pgrst_source values (1, 1);
insert into post.excluded values (1, 'a');
insert into post.e1 values (1, 1), (2, 1);
select set_config('testing.settings', '{"db_schemas": ["post"], "db_aggregates_enabled": true}', true);

select is(testing.get(target), wanted, target)
from (values
  ('/users?select=id,views!a(count)&order=id', '200 [{"id":1,"views":[{"count":2}]},{"id":2,"views":[{"count":0}]}]'),
  ('/users?select=id,views!a(count)&id=eq.1', '200 [{"id":1,"views":[{"count":2}]}]'),
  ('/users?select=id,seen:views!a(json_agg)&order=id&seen.id=eq.2', '200 [{"id":1,"seen":[{"json_agg":[{"id":2,"a":1,"b":1,"views":7,"words":"y"}]}]},{"id":2,"seen":[{"json_agg":null}]}]'),
  ('/views?vec=fts(simple).x&select=id', '200 [{"id":1}]'), ('/views?or=(vec.fts(simple).x,id.eq.9)&select=id', '200 [{"id":1}]'),
  ('/users?select=id,views!a(id)&views.vec=fts(simple).x&order=id', '200 [{"id":1,"views":[{"id":1}]},{"id":2,"views":[]}]'),
  ('/users?select=payload,count()&order=payload->i', '200 [{"payload":{"i": 1},"count":1},{"payload":{"i": 2},"count":1}]'),
  ('/users?select=id,count()&order=Name.desc', '200 [{"id":2,"count":1},{"id":1,"count":1}]'),
  ('/rpc/f?order=shout.desc&limit=1', '200 [{"id":2,"name":"b%","Name":"B","payload":{"i": 1},"parent":1}]'),
  ('/rpc/f?shout=eq.A', '200 [{"id":1,"name":"a","Name":"A","payload":{"i": 2},"parent":null}]'),
  ('/rpc/f?select=id,both,shout&id=eq.1', '200 [{"id":1,"both":1,"shout":"A"},{"id":1,"both":2,"shout":"A"}]'),
  ('/users?select=id,both&id=eq.1', '200 [{"id":1,"both":1},{"id":1,"both":2}]'),
  ('/users?name=like.*%25&select=id&order=id', '200 [{"id":1},{"id":2}]'), ('/users?name=like(any).{a*,*\%25}&select=id&order=id', '200 [{"id":1},{"id":2}]'),
  ('/users?name=like(any).{%a%,%b%}&select=id&order=id', '200 [{"id":1},{"id":2}]'),
  ('/users?select=id&or=(name.like.a*,name.ilike.B*)&order=id', '200 [{"id":1},{"id":2}]'), ('/users?select=id&name=not.like.a*', '200 [{"id":2}]'),
  ('/pgrst_answer?order=id', '200 [{"id":1,"pgrst_embed":"x","pgrst_answer":"y"},{"id":2,"pgrst_embed":"z","pgrst_answer":null}]'),
  ('/pgrst_answer?select=pgrst_answer:id,pgrst_texts_2:pgrst_embed,x:pgrst_embed(id,note)&order=id&x.order=id', '200 [{"pgrst_answer":1,"pgrst_texts_2":"x","x":[{"id":1,"note":"n"},{"id":2,"note":"m"}]},{"pgrst_answer":2,"pgrst_texts_2":"z","x":[{"id":3,"note":"o"}]}]'),
  ('/pgrst_embed?select=id,pgrst_answer(*)&order=id&limit=1', '200 [{"id":1,"pgrst_answer":{"id":1,"pgrst_embed":"x","pgrst_answer":"y"}}]'),
  ('/pgrst_embed?select=id,...pgrst_answer(pgrst_embed)&order=pgrst_answer(id).desc,id', '200 [{"id":3,"pgrst_embed":"z"},{"id":1,"pgrst_embed":"x"},{"id":2,"pgrst_embed":"x"}]'),
  ('/pgrst_answer?select=pgrst_answer,count()&order=pgrst_answer', '200 [{"pgrst_answer":"y","count":1},{"pgrst_answer":null,"count":1}]'),
  ('/pgrst_source?select=*,pgrst_body(*)', '200 [{"id":1,"a":1,"pgrst_body":{"id":1,"pgrst_level_0":"p","f1$":"q"}}]'),
  ('/excluded?select=*,e1(*)&e1.order=id', '200 [{"id":1,"a":"a","e1":[{"id":1,"level_1":1},{"id":2,"level_1":1}]}]'),
  ('/e1?select=*,excluded(*)&id=eq.1', '200 [{"id":1,"level_1":1,"excluded":{"id":1,"a":"a"}}]')
) as cases(target, wanted);
select is(testing.get('/pgrst_answer?order=id', '{"accept": "text/csv"}'), E'200 id,pgrst_embed,pgrst_answer\n1,x,y\n2,z,', 'CSV of a column pgrst_answer');
select is(testing.failed('GET', target), wanted, target)
from (values ('/users?select=id,views!a(id,count)', '400 42803'), ('/users?select=id,views!a(*),views!b(*)', '400 42712'), ('/users?select=payload,count()&order=id', '400 42803'),
  ('/views?select=user:users!a(name),views.sum()&order=user(name)', '400 42803')) as cases(target, wanted);
select is(testing.brief('PATCH', '/users?id=eq.2&select=*,both', '{"prefer": "return=representation"}', '{"name": "c"}'),
  '200 [{"id":2,"name":"c","Name":"B","payload":{"i": 1},"parent":1,"both":1},{"id":2,"name":"c","Name":"B","payload":{"i": 1},"parent":1,"both":2}]', 'a computed field that is a set');

select * from finish();
rollback;

-- Reads of what real schemas have: columns named like parameters, names that need quotes, composite keys, partitions, views over
-- views, computed fields and relationships, domains with representations.
begin;
select no_plan();
select set_config('testing.settings', '{"db_schemas": ["shop"], "db_aggregates_enabled": true}', true);

create schema shop;
set local search_path = shop, public;
create table "select" (id int primary key, "order" int, "limit" int, "and" text, "not" text, columns int, on_conflict int, count int, "in" int, "is" int, "select" text);
insert into "select" values (1, 10, 100, 'a', 'n', 8, 9, 5, 3, null, 'one'), (2, 20, 200, 'b', 'm', 18, 19, 6, 4, 1, 'two');
create table "été 日本" ("ключ" int primary key, "na me" text, "a.b" int, "c,d" int, "e(f)" int, "g""h" int, "i\j" int, "-k" int, "l-m" int, " n " int, "Upper" int, "$1" int, "::" int);
insert into "été 日本" values (1, 'x y', 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);

create table chain (a int, b int, name text, primary key (a, b));
create table branch (id int primary key, a int, b int, foreign key (a, b) references chain);
create table manager (a int, b int, name text, primary key (a, b), foreign key (a, b) references chain);
create table sale (id int, kind text, a int, b int, primary key (id, kind), foreign key (a, b) references chain) partition by list (kind);
create table sale_x partition of sale for values in ('x');
create table sale_y partition of sale for values in ('y');
create table refund (id int primary key, sale_id int, kind text, foreign key (sale_id, kind) references sale);
insert into chain values (1, 1, 'one'), (1, 2, 'two'), (2, 1, 'three');
insert into branch values (1, 1, 1), (2, 1, 2), (3, 1, 2), (4, null, 1);
insert into manager values (1, 2, 'Mo');
insert into sale values (1, 'x', 1, 1), (2, 'y', 1, 2);
insert into refund values (1, 1, 'x');
create view branches as select branch.id as branch_id, branch.a, branch.b, chain.name from branch join chain using (a, b);
create view branches_more as select branches.*, 1 as one from branches;
create view branches_most as with most as (select * from branches_more) select branch_id as ident, a as x, b as y, name from most where one = 1;
create view pairs as select one.id as id1, one.a as a1, one.b as b1, two.id as id2, two.a as a2, two.b as b2 from branch as one, branch as two;
create materialized view kept as select * from branch;

create table person (id int primary key, boss int references person, name text);
insert into person values (1, null, 'Ann'), (2, 1, 'Bo'), (3, 1, 'Cy'), (4, 2, 'Di');
create function shouted(person) returns text language sql stable as $$ select upper($1.name) $$;
create function team(person) returns setof person rows 10 language sql stable as $$ select * from shop.person where boss = $1.id order by id $$;
create function above(person) returns setof person rows 1 language sql stable as $$ select * from shop.person where id = $1.boss $$;
create function people() returns setof person language sql stable as $$ select * from shop.person order by id $$;

create domain hex as int;
create function hex_json(hex) returns json language sql immutable as $$ select to_json('#' || to_hex($1)) $$;
create function text_hex(text) returns hex language sql immutable as $$ select ('x' || lpad(ltrim($1, '#'), 8, '0'))::bit(32)::int $$;
set local client_min_messages = error; -- PostgreSQL warns that casts of domains are not used by itself
create cast (hex as json) with function hex_json(hex) as implicit;
create cast (text as hex) with function text_hex(text) as implicit;
create table color (id int primary key, c hex, mixed_with int references color);
insert into color values (1, 255, null), (2, 4096, 1);

create table typed (id int primary key, span int4range, list text[], doc jsonb, one chain, many chain[], yes boolean, twofold int generated always as (id * 2) stored);
insert into typed values (1, '[1,5)', '{a,"b,c",null}', '{"a": [1, {"b": null}], "k": "v", "0": "zero"}', (1, 2, 'c'), array[(1, 2, 'd')::chain, (3, 4, 'e')::chain], true), (2, null, null, null, null, null, null);

select is(testing.get(target), '200 ' || wanted, target)
from (values
  -- Columns named like parameters and operators.
  ('/select?select=select,order,limit,and,not,columns,in&id=eq.1', '[{"select":"one","order":10,"limit":100,"and":"a","not":"n","columns":8,"in":3}]'),
  ('/select?select=id&order=order.desc', '[{"id":2},{"id":1}]'),
  ('/select?select=id&"limit"=eq.100&"order"=eq.10&"and"=eq.a', '[{"id":1}]'),
  ('/select?select=id&not=eq.n&in=in.(3)&is=is.null&count=eq.5', '[{"id":1}]'),
  ('/select?select=id&not=not.eq.n', '[{"id":2}]'),
  ('/select?select=id&or=(limit.eq.100,and.eq.b)', '[{"id":1},{"id":2}]'),
  ('/select?select=id&or=(not.not.eq.n,and.not.eq.b)&order=id', '[{"id":1},{"id":2}]'),
  ('/select?select=id&columns=eq.8', '[{"id":1},{"id":2}]'),
  ('/select?select=id&on_conflict=like.8&id=eq.2', '[{"id":2}]'),
  ('/select?select=id,"count"&id=eq.1', '[{"id":1,"count":5}]'),
  -- Names beyond letters.
  ('/été 日本?select=ключ,na me,"a.b","c,d","e(f)","g\"h","i\\j","-k",l-m," n ",Upper,$1,"::"',
    '[{"ключ":1,"na me":"x y","a.b":2,"c,d":3,"e(f)":4,"g\"h":5,"i\\j":6,"-k":7,"l-m":8," n ":9,"Upper":10,"$1":11,"::":12}]'),
  ('/été 日本?select=Upper&ключ=eq.1&na me=eq.x y&"a.b"=eq.2&"c,d"=eq.3&"e(f)"=eq.4&"g\"h"=eq.5&"i\\j"=eq.6&"-k"=eq.7&l-m=eq.8&" n "=eq.9&$1=eq.11&"::"=eq.12', '[{"Upper":10}]'),
  ('/été 日本?select=Upper&or=("a.b".eq.9,"c,d".eq.3)&order="a.b".desc,"::"', '[{"Upper":10}]'),
  ('/été 日本?select=x y:ключ,"x,y":ключ,ö:ключ', '[{"x y":1,"x,y":1,"ö":1}]'),
  -- Composite keys and partitions.
  ('/chain?select=name,branch(id),manager(name)&order=name', '[{"name":"one","branch":[{"id":1}],"manager":null},{"name":"three","branch":[],"manager":null},{"name":"two","branch":[{"id":2},{"id":3}],"manager":{"name":"Mo"}}]'),
  ('/branch?select=id,chain!branch_a_b_fkey(name)&id=gt.2', '[{"id":3,"chain":{"name":"two"}},{"id":4,"chain":null}]'),
  ('/sale?select=id,chain(name),refund(id)&order=id', '[{"id":1,"chain":{"name":"one"},"refund":[{"id":1}]},{"id":2,"chain":{"name":"two"},"refund":[]}]'),
  ('/refund?select=id,sale(kind)', '[{"id":1,"sale":{"kind":"x"}}]'),
  ('/chain?select=name,sale(id)&a=eq.1&order=b', '[{"name":"one","sale":[{"id":1}]},{"name":"two","sale":[{"id":2}]}]'),
  -- A view over a view over a view of joined tables embeds by its base tables' keys.
  ('/branches_most?select=ident,name,chain(name,manager(name))&order=ident&limit=2', '[{"ident":1,"name":"one","chain":{"name":"one","manager":null}},{"ident":2,"name":"two","chain":{"name":"two","manager":{"name":"Mo"}}}]'),
  ('/chain?select=name,branches_most(ident)&order=name&branches_most.order=ident', '[{"name":"one","branches_most":[{"ident":1}]},{"name":"three","branches_most":[]},{"name":"two","branches_most":[{"ident":2},{"ident":3}]}]'),
  ('/chain?select=name,branches(branch_id),kept(id)&a=eq.1&b=eq.1', '[{"name":"one","branches":[{"branch_id":1}],"kept":[{"id":1}]}]'),
  -- One table, both ends.
  ('/person?select=name,boss(name,boss(name))&id=eq.4', '[{"name":"Di","boss":{"name":"Bo","boss":{"name":"Ann"}}}]'),
  ('/person?select=name,person(name,person(name))&id=eq.1', '[{"name":"Ann","person":[{"name":"Bo","person":[{"name":"Di"}]},{"name":"Cy","person":[]}]}]'),
  -- Computed fields and relationships.
  ('/person?select=name,shouted,team(name),above(name)&shouted=eq.BO', '[{"name":"Bo","shouted":"BO","team":[{"name":"Di"}],"above":{"name":"Ann"}}]'),
  ('/person?select=name,team(shouted,team(name))&id=eq.1', '[{"name":"Ann","team":[{"shouted":"BO","team":[{"name":"Di"}]},{"shouted":"CY","team":[]}]}]'),
  ('/person?select=id,team()&team=not.is.null&order=shouted.desc', '[{"id":2},{"id":1}]'),
  ('/person?select=id,above()&order=above(name).desc.nullslast,id', '[{"id":4},{"id":2},{"id":3},{"id":1}]'),
  ('/person?select=name,...above(boss_name:name),...team(team:name)&id=eq.2', '[{"name":"Bo","boss_name":"Ann","team":["Di"]}]'),
  ('/person?select=shouted.max(),team(count())&id=eq.1', '[{"max":"ANN","team":[{"count": 2}]}]'),
  ('/rpc/people?select=name,shouted,boss(name),team(name)&order=shouted.desc&limit=1', '[{"name":"Di","shouted":"DI","boss":{"name":"Bo"},"team":[]}]'),
  ('/rpc/people?select=shouted,above()&above=not.is.null&limit=1', '[{"shouted":"BO"}]'),
  -- Domains with representations.
  ('/color?order=id', '[{"id":1,"c":"#ff","mixed_with":null},{"id":2,"c":"#1000","mixed_with":1}]'),
  ('/color?select=id,x:c&c=eq.%23ff', '[{"id":1,"x":"#ff"}]'),
  ('/color?select=id&c=in.(%23ff,%2310)', '[{"id":1}]'),
  ('/color?select=id&c=eq(any).{%23ff,%2310}', '[{"id":1}]'),
  ('/color?select=id&c=gt(all).{%2310,%23ff}', '[{"id":2}]'),
  ('/color?select=id&c=isdistinct.%23ff', '[{"id":2}]'),
  ('/color?select=id&or=(c.eq.%23ff,c.not.lt.%231000)&order=id', '[{"id":1},{"id":2}]'),
  ('/color?select=id,mixed_with(c)&id=eq.2', '[{"id":2,"mixed_with":{"c":"#ff"}}]'),
  ('/color?select=c,count()&id=eq.2', '[{"c":"#1000","count":1}]'),
  ('/color?select=...mixed_with(c,n:id.count())&id=eq.2', '[{"c":"#ff","n":1}]'),
  ('/color?select=*,count()&id=eq.1', '[{"id":1,"c":"#ff","mixed_with":null,"count":1}]'),
  -- Types.
  ('/typed?select=list->1,list->>5,list->x&list=cs.{"b,c"}', '[{"list":"b,c","list":null,"x":null}]'),
  ('/typed?select=one->name,one->>a,many->0->name&one->>name=eq.c&many->1->>a=eq.3', '[{"name":"c","a":"1","name":"d"}]'),
  ('/typed?select=doc->a->1->b,doc->0,doc->>"0"&doc->k=eq."v"&id=eq.1', '[{"b":null,"doc":null,"0":"zero"}]'),
  ('/typed?select=id&span=adj.[5,6)&yes=is.true', '[{"id":1}]'),
  ('/typed?select=id,twofold&yes=is.unknown&twofold=eq.4', '[{"id":2,"twofold":4}]'),
  ('/typed?select=doc->>k,count()&order=doc->>k', '[{"k":"v","count":1},{"k":null,"count":1}]'),
  -- Nothing is selected, and numbers out of bounds.
  ('/branch?select=chain()&id=lt.3', '[{},{}]'),
  ('/branch?select=id&limit=9223372036854775807&order=id', '[{"id":1},{"id":2},{"id":3},{"id":4}]'),
  ('/branch?select=id&offset=9223372036854775807', '[]'),
  ('/chain?select=name,branch(id)&branch.offset=9223372036854775807&a=eq.2', '[{"name":"three","branch":[]}]')
) as cases(target, wanted);

select is(testing.get('/branch?select=id&order=id', jsonb_build_object('range', range)), wanted, 'Range: ' || range)
from (values
  ('9223372036854775807-', '200 []'), ('9223372036854775807-9223372036854775807', '200 []'), ('3-9223372036854775807', '200 [{"id":4}]'),
  ('00000000000000000003-', '200 [{"id":4}]'), ('0000000000000000000-0000000000000000001', '200 [{"id":1},{"id":2}]')
) as cases(range, wanted);
select is(testing.brief('PATCH', '/person?id=eq.2&select=name,shouted,team(name),above(name)', '{"prefer": "return=representation"}', '{"name": "Bob"}'),
  '200 [{"name":"Bob","shouted":"BOB","team":[{"name":"Di"}],"above":{"name":"Ann"}}]', 'computed field and relationship of what is written');

select is(testing.failed('GET', target), wanted, target)
from (values
  ('/sale_x', '404 PGRST205'),
  ('/pairs?select=chain(name)', '300 PGRST201'),
  ('/chain?select=pairs(id1)', '300 PGRST201'),
  ('/branches_most?select=branch(id)', '400 PGRST200'),
  ('/person?select=person!person_boss_fkey(name)', '400 PGRST200'),
  ('/chain?select=branch(id)&branch.offset=-1', '400 2201X'),
  ('/chain?select=branch(id)&branch.limit=-1', '400 2201W')
) as cases(target, wanted);

select * from finish();
rollback;

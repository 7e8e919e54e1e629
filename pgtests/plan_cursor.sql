-- The order of pages by cursor: keys, types, and which requests have none.
begin;
select no_plan();

create schema shelf;
create table shelf.pairs (b int, a int not null, c timestamptz, code text not null, note text, primary key (b, a), unique (code));
create index on shelf.pairs (c, code);
create table shelf.named (code text not null unique, n int unique, x int, unique (x, n));
create table shelf.parent (id int primary key);
create table shelf.child () inherits (shelf.parent);
create table shelf.split (at date not null, id int not null, primary key (id, at)) partition by range (at);
create table shelf.partial (id int not null, x int not null);
create unique index on shelf.partial (id) where x > 0;
create unique index on shelf.partial ((id + x));
create table shelf.patterns (name text not null);
create unique index on shelf.patterns (name text_pattern_ops);
create unique index on shelf.patterns (name collate "C");
create table shelf.covered (id int not null, x int not null);
create unique index on shelf.covered (id) include (x);
create view shelf.shown as select a as "the a", b as first, code, note, c from shelf.pairs where note is null;
create view shelf.over as select * from shelf.shown;
create view shelf.joined as select p.*, n.n from shelf.pairs as p, shelf.named as n;
create view shelf.grouped as select b, a from shelf.pairs group by b, a;
create view shelf.half as select a, c from shelf.pairs;
create materialized view shelf.made as select * from shelf.pairs;

select is(postern.row_keys(name::regclass)::text, wanted, 'the keys of ' || name)
from (values
  ('shelf.pairs', '[["b", "a"], ["code"]]'),
  ('shelf.named', '[["code"]]'),
  ('shelf.parent', '[]'), ('shelf.child', '[]'), ('shelf.split', '[["id", "at"]]'),
  ('shelf.partial', '[]'), ('shelf.patterns', '[]'), ('shelf.covered', '[["id"]]'),
  ('shelf.shown', '[["first", "the a"], ["code"]]'), ('shelf.over', '[["first", "the a"], ["code"]]'),
  ('shelf.joined', '[]'), ('shelf.grouped', '[]'), ('shelf.half', '[]'), ('shelf.made', '[]')
) as cases (name, wanted);
select is(postern.row_keys(0), '[]', 'no relation, no key');

select is((select string_agg(s.name || case when s.nullable then '?' else '' end, ' ' order by s.name collate "C") from postern.stored_columns('shelf.over'::regclass) as s),
  'c? code first note? the a', 'stored_columns looks through views');
select is(array[postern.is_indexed('shelf.pairs'::regclass, 'c'), postern.is_indexed('shelf.over'::regclass, 'code'), postern.is_indexed('shelf.pairs'::regclass, 'note'),
  postern.is_indexed('shelf.covered'::regclass, 'x')], '{t,t,f,f}', 'is_indexed');

create type shelf.own;
create function shelf.own_in(cstring) returns shelf.own language internal immutable strict as 'textin';
create function shelf.own_out(shelf.own) returns cstring language internal immutable strict as 'textout';
create type shelf.own (input = shelf.own_in, output = shelf.own_out, like = text);
create domain shelf.small as int;
create type shelf.mood as enum ('calm', 'tense');
select is(postern.sort_type(type::regtype)::text, wanted, type)
from (values
  ('int', '{"type": "pg_catalog.int4", "plain": true, "operators": "pg_catalog"}'),
  ('char(3)', '{"type": "pg_catalog.bpchar", "operators": "pg_catalog"}'),
  ('float8[]', '{"type": "pg_catalog._float8", "operators": "pg_catalog"}'),
  ('shelf.small', '{"type": "pg_catalog.int4", "plain": true, "domain": true, "operators": "pg_catalog"}'),
  ('shelf.mood', '{"type": "shelf.mood", "operators": "pg_catalog"}'),
  ('shelf.own', null), ('anyelement', null), ('void', null)
) as cases (type, wanted);

-- What tells two orders apart: their tokens are not each other's.
create function pg_temp.planned(target text) returns jsonb language sql as $$
  select postern.plan_cursor(postern.plan_root('{"schema": "shelf", "schemas": ["shelf"], "aggregates": true, "legacy": true}', relation, columns, trees), columns,
    trees -> 'cursor')
  from postern.find_relation('shelf', substring(target from '^/([a-z]+)')) as relation, postern.relation_columns((relation ->> 'oid')::oid) as columns,
    testing.trees(target) as trees
$$;
select is((select string_agg(concat_ws(' ', term ->> 'name', term ->> 'direction', term ->> 'nulls', case when term -> 'nullable' = 'true' then 'nullable' end,
    case when term -> 'indexed' = 'true' then 'indexed' end), ', ' order by place)
  from jsonb_array_elements(pg_temp.planned(target) -> 'order') with ordinality as listed(term, place)), wanted, target)
from (values
  ('/pairs?cursor=first', 'b asc last indexed, a asc last indexed'),
  ('/pairs?cursor=first&order=c.desc', 'c desc first nullable indexed, b desc first indexed, a desc first indexed'),
  ('/pairs?cursor=first&order=note,a.desc', 'note asc last nullable, a desc first indexed, b desc first indexed'),
  ('/pairs?cursor=first&order=code.desc', 'code desc first indexed'),
  ('/pairs?cursor=first&order=a,b.desc', 'a asc last indexed, b desc first indexed'),
  ('/pairs?cursor=first&order=note->>0', 'note asc last nullable, b asc last indexed, a asc last indexed'),
  ('/shown?cursor=first&order=c.nullsfirst', 'c asc first nullable indexed, first asc last indexed, the a asc last indexed')
) as cases (target, wanted);
select isnt(pg_temp.planned('/pairs?cursor=first&order=' || one) -> 'cursor' ->> 'signature', pg_temp.planned('/pairs?cursor=first&order=' || other) -> 'cursor' ->> 'signature', one || ' is not ' || other)
from (values ('c', 'c.desc'), ('c', 'c.nullsfirst'), ('c', 'note'), ('c,note', 'note,c'), ('a', 'a.desc')) as orders (one, other);
select is(pg_temp.planned('/pairs?cursor=first&order=c.asc&select=a') -> 'cursor' ->> 'signature', pg_temp.planned('/pairs?cursor=first&order=c.nullslast&b=eq.1') -> 'cursor' ->> 'signature',
  'the same order in other words');

select is(testing.failure(call), wanted, call)
from (values
  ('select pg_temp.planned(''/pairs?cursor=after.1~#'')', 'PGRST158'),
  ('select pg_temp.planned(''/joined?cursor=first'')', 'PGRST159'),
  ('select pg_temp.planned(''/pairs?cursor=first&select=count()'')', 'PGRST159'),
  ('select pg_temp.planned(''/pairs?cursor=first&order=nope'')', '42703'),
  ('select postern.computed_type(''shelf.pairs''::regclass, ''nope'')', '42703'),
  ('select postern.cursor_entry(''x.cursor'', ''first'', null, false)', 'PGRST160'),
  ('select postern.cursor_entry(''cursor'', ''first'', null, true)', 'PGRST160')
) as cases (call, wanted);
select is(postern.cursor_entry('cursor', 'after.01~' || chr(1), 5, false), '{"way": "after", "nulls": "01", "param": 5}', 'the token is a parameter');
select is(postern.plan_sorted('{}', '[{"name": "a", "type_oid": 25}]', '{"name": "a", "field": {"name": "a"}}') -> 'nullable', 'true', 'what is not known may be null');
create function shelf.twice(shelf.pairs) returns int language sql immutable as 'select 2 * $1.a';
create function shelf.many(shelf.pairs) returns setof int language sql immutable as 'select 2 * $1.a';
select is(array[postern.computed_type('shelf.pairs'::regclass, 'twice')::regtype, postern.computed_type('shelf.pairs'::regclass, 'many')::regtype], '{int,void}', 'computed_type');

select * from finish();
rollback;

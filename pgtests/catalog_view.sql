-- Which base columns a view shows.
begin;
select plan(33);

create schema rooms;
set local search_path = rooms, public;

create table film (id int primary key, title text, director_id int, length int);
create table director (id int primary key, name text);
create table "odd {name}" (" :resno 9" int primary key, "b}" int, "c\\{" int, "d :resorigtbl 1 " int);

-- What a view shows, as "view column = table.column" sorted by the view's columns.
create function shows(view regclass) returns text[] language sql as $$
  select coalesce(array_agg(format('%s=%s.%s', v.attname, c.relname, b.attname) order by s.view_attnum, c.relname, b.attname), '{}')
    from postern.view_columns(view) s
    join pg_class c on c.oid = s.base_relation
    join pg_attribute v on v.attrelid = view and v.attnum = s.view_attnum
    join pg_attribute b on b.attrelid = s.base_relation and b.attnum = s.base_attnum
$$;

create view plain as select id, title as name from film;
select is(shows('plain'), array['id=film.id', 'name=film.title'], 'plain columns');

create view renamed (a, b) as select title, id from film;
select is(shows('renamed'), array['a=film.title', 'b=film.id'], 'columns renamed by the view');

create view computed as select id, title || '!' as title, length + 1 as longer, id::text as id_text from film;
select is(shows('computed'), array['id=film.id'], 'expressions and casts are no columns');

create view twice as select id, id as id2, title from film;
select is(shows('twice'), array['id=film.id', 'id2=film.id', 'title=film.title'], 'one column shown twice');

create view joined as select f.id, f.title, d.id as d_id, d.name from film f join director d on d.id = f.director_id;
select is(shows('joined'), array['id=film.id', 'title=film.title', 'd_id=director.id', 'name=director.name'], 'a join');

create view joined_using as select * from (select id, director_id as did from film) f join (select id as did, name from director) d using (did);
select is(shows('joined_using'), array['did=film.director_id', 'id=film.id', 'name=director.name'], 'USING shows the left column');

create view full_joined as select id from film full join director using (id);
select is(shows('full_joined'), '{}', 'USING of a full join shows neither');

create view self_joined as select a.id, b.id as other from film a, film b;
select is(shows('self_joined'), array['id=film.id', 'other=film.id'], 'two instances of a table');

create view from_subquery as select s.id, s.n from (select id, title as n from film where length > 1) s;
select is(shows('from_subquery'), array['id=film.id', 'n=film.title'], 'a subquery in FROM');

create view from_cte as with c as (select id, title from film), d as (select id as x, title from c) select x, title from d;
select is(shows('from_cte'), array['x=film.id', 'title=film.title'], 'CTEs');

create view from_recursive as
  with recursive c as (select id, title from film union all select c.id, c.title from c) select f.id, c.title from c, film f;
select ok('id=film.id' = any (shows('from_recursive')), 'a recursive CTE beside a table');

create view of_union as select id, title from film union select id, name from director;
select is(shows('of_union'), '{}', 'a union');

create view union_inside as select f.id, u.x from film f, (select 1 as x union select 2) u;
select is(shows('union_inside'), array['id=film.id'], 'a union in a subquery');

create view of_values as select * from (values (1, 'a')) v (id, title);
select is(shows('of_values'), '{}', 'values');

create view scalar_subquery as
  select id, (select name from director d where d.id = f.director_id) as name, title,
         array(select d.id from director d) as ids, exists (select id from director) as any_there
    from film f;
select is(shows('scalar_subquery'), array['id=film.id', 'title=film.title'], 'subqueries in the select list');

create view where_subquery as
  select id from film where director_id in (select id from director where name like '%}%')
   order by (select max(name) from director), title limit (select count(*) from director);
select is(shows('where_subquery'), array['id=film.id'], 'subqueries elsewhere; ORDER BY adds no column');

create view grouped as select director_id, count(*) as n, max(title) from film group by director_id having count(*) > (select 1);
select is(shows('grouped'), array['director_id=film.director_id'], 'GROUP BY and aggregates');

create view grouping_sets as select director_id, length, count(*) from film group by rollup (director_id, length);
select is(shows('grouping_sets'), array['director_id=film.director_id', 'length=film.length'], 'grouping sets');

create view first_of_each as select distinct on (director_id) id, director_id, title from film order by director_id, length desc;
select is(shows('first_of_each'), array['id=film.id', 'director_id=film.director_id', 'title=film.title'], 'DISTINCT ON');

create view windowed as select id, row_number() over (partition by director_id order by length) as n, title from film;
select is(shows('windowed'), array['id=film.id', 'title=film.title'], 'window functions');

create view set_returning as select id, generate_series(1, length) as n, title from film;
select is(shows('set_returning'), array['id=film.id', 'title=film.title'], 'a set-returning function');

create view lateral_joined as
  select d.id, l.id as film_id, l.title from director d cross join lateral (select * from film f where f.director_id = d.id limit 1) l;
select is(shows('lateral_joined'), array['id=director.id', 'film_id=film.id', 'title=film.title'], 'LATERAL');

create view odd as select " :resno 9", "b}" as "x{y", "c\\{" as "\{\", "d :resorigtbl 1 " from "odd {name}";
select is(shows('odd'),
  array[' :resno 9=odd {name}. :resno 9', 'x{y=odd {name}.b}', '\{\=odd {name}.c\\{', 'd :resorigtbl 1 =odd {name}.d :resorigtbl 1 '],
  'names with braces, backslashes and the very words searched for');

create view literal as select id, '} :resno 1 :resorigtbl 5 {' as t, title from film where title <> '{TARGETENTRY';
select is(shows('literal'), array['id=film.id', 'title=film.title'], 'literals that look like nodes');

create view second as select name, id as no from plain;
create view third as select no, name as n, no as again from second;
select is(shows('third'), array['no=film.id', 'n=film.title', 'again=film.id'], 'views over views over views');

create materialized view kept as select no, n from third;
select is(shows('kept'), array['no=film.id', 'n=film.title'], 'a materialized view on views');

create view on_kept as select no from kept;
select is(shows('on_kept'), array['no=film.id'], 'a view on a materialized view');

create view ring_a as select id, title from film;
create view ring_b as select id, title from ring_a;
create or replace view ring_a as select id, title from ring_b;
select lives_ok($$ select postern.view_columns('ring_a'::regclass) $$, 'a definition that goes round in a circle ends');

select is(shows('film'), '{}', 'a table shows nothing');
select is((select count(*) from postern.view_columns(0)), 0::bigint, 'no such relation');

select is(postern.view_pk('joined'::regclass), array['d_id', 'id'], 'the keys of both tables');
select is(postern.view_pk('twice'::regclass), array['id'], 'of two columns the first');
select is(array(select v.oid::regclass::text from unnest(postern.views_over(array['second'::regclass::oid])) v (oid) order by 1),
  array['kept', 'on_kept', 'third'], 'the views over a view');

select * from finish();
rollback;

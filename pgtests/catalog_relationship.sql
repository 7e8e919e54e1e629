-- What a name in select= can embed.
begin;
select plan(64);

create schema rooms;
create schema hidden;
set local search_path = rooms, public;

create table director (id int primary key, name text);
create table film (
  id int primary key,
  title text,
  director_id int constraint film_director references director,
  producer_id int constraint film_producer references director,
  sequel_to int constraint film_sequel references film);
create table script (film_id int primary key constraint script_film references film, body text);
create table actor (id int primary key, name text);
create table role (
  film_id int constraint role_film references film,
  actor_id int constraint role_actor references actor,
  name text,
  primary key (film_id, actor_id));
create table prize (
  id int primary key,
  film_id int constraint prize_film references film,
  actor_id int constraint prize_actor references actor);
create table house (street text, number int, primary key (street, number));
create table tenant (id int primary key, house_number int, house_street text,
  constraint tenant_house foreign key (house_street, house_number) references house);
create table lease (house_street text, house_number int, lease_no int unique,
  unique (house_number, house_street),
  constraint lease_house foreign key (house_street, house_number) references house);
create table visit (day date, house_street text, house_number int,
  constraint visit_house foreign key (house_street, house_number) references house) partition by list (day);
create table visit_old partition of visit for values in ('2020-01-01');
create table hidden.secret (id int primary key, film_id int constraint secret_film references film);
create table hidden.award (film_id int references film, actor_id int references actor, primary key (film_id, actor_id));

-- "kind target constraint columns" of each candidate; of m2m "m2m target junction(constraint1 columns, constraint2 columns)".
create function brief(relationships jsonb) returns text[] language sql as $$
  select coalesce(array_agg(case r ->> 'kind'
           when 'm2m' then format('m2m %s %s(%s %s, %s %s)', r ->> 'target', r #>> '{junction,name}',
             r #>> '{junction,constraint1}', r #>> '{junction,source}', r #>> '{junction,constraint2}', r #>> '{junction,target}')
           when 'computed' then format('computed %s %s', r ->> 'target', r #>> '{function,name}')
           else format('%s %s %s %s', r ->> 'kind', r ->> 'target', r ->> 'constraint', r ->> 'columns') end order by n), '{}')
    from jsonb_array_elements(relationships) with ordinality a (r, n)
$$;
create function embeds(origin regclass, target text, hint text default null) returns text[] language sql as
$$ select brief(postern.find_relationships(origin, 'rooms', '{rooms}', target, hint)) $$;

-- Tables.
select is(postern.find_relationships('script'::regclass, 'rooms', '{rooms}', 'film', null), jsonb_build_array(jsonb_build_object(
    'kind', 'o2o', 'to_one', true, 'is_self', false, 'constraint', 'script_film', 'origin', 'script',
    'target_oid', 'film'::regclass::oid::bigint, 'target_schema', 'rooms', 'target', 'film', 'target_is_view', false,
    'columns', '[["film_id", "id"]]'::jsonb)),
  'one-to-one, all of it');
select is(embeds('film', 'script'), array['o2o script script_film [["id", "film_id"]]'], 'one-to-one from the other side');
select is(embeds('prize', 'film'), array['m2o film prize_film [["film_id", "id"]]'], 'many-to-one');
select is(embeds('film', 'prize'), array['o2m prize prize_film [["id", "film_id"]]'], 'one-to-many');
select is(postern.find_relationships('film'::regclass, 'rooms', '{rooms}', 'prize', null) #> '{0,to_one}', 'false', 'which is to many');
select is(embeds('tenant', 'house'), array['m2o house tenant_house [["house_street", "street"], ["house_number", "number"]]'],
  'two columns, in the order of the key');
select is(embeds('lease', 'house'), array['o2o house lease_house [["house_street", "street"], ["house_number", "number"]]'],
  'one-to-one by a unique constraint of the same columns in another order');
select is(embeds('film', 'director'), array['m2o director film_director [["director_id", "id"]]',
                                            'm2o director film_producer [["producer_id", "id"]]'], 'two keys, by name');
select is(embeds('film', 'nothing'), '{}', 'no such relation');
select is(embeds('film', 'house'), '{}', 'no relationship');
select is(embeds('director', 'actor'), '{}', 'a key on each side is no junction');
select is(postern.find_relationships(0, 'rooms', '{rooms}', 'film', null), '[]', 'no such origin');

-- Hints, and other names.
select is(embeds('film', 'director', 'film_director'), array['m2o director film_director [["director_id", "id"]]'], 'hint: a key');
select is(embeds('film', 'director', 'producer_id'), array['m2o director film_producer [["producer_id", "id"]]'],
  'hint: a column of the origin');
select is(embeds('director', 'film', 'producer_id'), array['o2m film film_producer [["id", "producer_id"]]'],
  'hint: a column of the target');
select is(cardinality(embeds('director', 'film', 'id')), 2, 'hint: a column that does not decide');
select is(embeds('film', 'director', 'director'), '{}', 'hint: a relation that is no junction');
select is(embeds('tenant', 'house', 'house_street'), '{}', 'hint: one of two columns');
select is(embeds('tenant', 'house', 'tenant_house'), embeds('tenant', 'house'), 'hint: a key of two columns');
select is(embeds('film', 'film_director'), array['m2o director film_director [["director_id", "id"]]'], 'name: a key');
select is(embeds('director', 'film_director'), array['o2m film film_director [["id", "director_id"]]'], 'name: a key from afar');
select is(embeds('film', 'producer_id'), array['m2o director film_producer [["producer_id", "id"]]'], 'name: a column');
select is(embeds('actor', 'id'), array['o2m prize prize_actor [["id", "actor_id"]]', 'o2m role role_actor [["id", "actor_id"]]'],
  'name: the column that keys refer to, hidden schemas left out');
select is(embeds('film', 'producer_id', 'film_producer'), '{}', 'a hint goes with the name of a relation only');
select is(embeds('tenant', 'house_street'), '{}', 'name: one of two columns');

-- Self.
select is(embeds('film', 'film'), array['o2m film film_sequel [["id", "sequel_to"]]'], 'self: the name means many');
select is(embeds('film', 'sequel_to'), array['m2o film film_sequel [["sequel_to", "id"]]'], 'self: the column means one');
select is(embeds('film', 'film', 'sequel_to'), array['o2m film film_sequel [["id", "sequel_to"]]'], 'self: the column as hint');
select is(embeds('film', 'film', 'film_sequel'), '{}', 'self: the key as hint means nothing');
select is(embeds('film', 'film_sequel'), '{}', 'self: nor the key as name');

-- Junctions.
select is(embeds('film', 'actor'), array['m2m actor role(role_film [["id", "film_id"]], role_actor [["id", "actor_id"]])'],
  'many-to-many, only where the key has both');
select is(embeds('actor', 'film'), array['m2m film role(role_actor [["id", "actor_id"]], role_film [["id", "film_id"]])'],
  'and back');
select is(embeds('film', 'actor', 'role'), embeds('film', 'actor'), 'hint: the junction');
select is(embeds('film', 'actor', 'award'), '{}', 'hint: a hidden junction');
select is(embeds('film', 'actor', 'role_film'), '{}', 'hint: a key of the junction');
select is(brief(postern.find_relationships('film'::regclass, 'rooms', '{rooms,hidden}', 'actor', null)),
  array['m2m actor award(award_film_id_fkey [["id", "film_id"]], award_actor_id_fkey [["id", "actor_id"]])',
        'm2m actor role(role_film [["id", "film_id"]], role_actor [["id", "actor_id"]])'],
  'a junction of another exposed schema');
select is(postern.find_relationships('film'::regclass, 'rooms', '{rooms}', 'actor', null) -> 0 -> 'junction' -> 'oid',
  to_jsonb('role'::regclass::oid::bigint), 'the junction has its oid');
create table twin (one int constraint twin_one references actor, two int constraint twin_two references actor, primary key (one, two));
select is(embeds('actor', 'actor'), '{}', 'a junction from a table to itself is not embedded');

-- Partitions.
select is(embeds('house', 'visit'), array['o2m visit visit_house [["street", "house_street"], ["number", "house_number"]]'],
  'a partitioned table');
select is(embeds('house', 'visit_old'), '{}', 'not its partition');

-- Views.
create view film_view as select title, id as film_no, director_id as d1, director_id as d2 from film;
create view director_view as select name, id as director_no from director;
create materialized view director_kept as select director_no as no from director_view;
create view no_key as select title from film;
create view families as
  select f.id as film_no, f.sequel_to, p.id as other_no from film f join film p on p.id = f.sequel_to;
create view tenants as select id, house_street from tenant;
create view role_view as select film_id as f, actor_id as a, name from role;
create view role_half as select film_id, name, actor_id from role join film on film.id = film_id where false;
create view prize_view as select film_id, actor_id from prize;

select is(embeds('film_view', 'director'), array['m2o director film_director [["d1", "id"]]', 'm2o director film_director [["d2", "id"]]'],
  'view to table: one candidate for each column that shows the key');
select is(embeds('director', 'film_view'), array['o2m film_view film_director [["id", "d1"]]', 'o2m film_view film_director [["id", "d2"]]'],
  'table to view');
select is(embeds('film_view', 'director', 'd2'), array['m2o director film_director [["d2", "id"]]'], 'hint: a column of the view');
select is(embeds('film_view', 'director_kept', 'd1'), array['m2o director_kept film_director [["d1", "no"]]'],
  'view to materialized view on a view');
select is(embeds('film_view', 'd1'), array['m2o director film_director [["d1", "id"]]'], 'name: a column of the view');
select is(embeds('film', 'director_no'), '{}', 'name: a column of a target view');
select is(embeds('no_key', 'director'), '{}', 'a view without the key');
select is(embeds('tenants', 'house'), '{}', 'a view with half the key');
select is(embeds('families', 'families', 'sequel_to'),
  array['o2m families film_sequel [["film_no", "sequel_to"]]', 'o2m families film_sequel [["other_no", "sequel_to"]]'],
  'a view of two instances with itself');
select is(embeds('families', 'sequel_to'),
  array['m2o families film_sequel [["sequel_to", "film_no"]]', 'm2o families film_sequel [["sequel_to", "other_no"]]',
        'm2o film film_sequel [["sequel_to", "id"]]'],
  'a column that leads from a view to itself and to its table');
select is(embeds('film', 'actor', 'role_view'), array['m2m actor role_view(role_film [["id", "f"]], role_actor [["id", "a"]])'],
  'a view as junction');
select is(embeds('film_view', 'actor', 'role_view'), array['m2m actor role_view(role_film [["film_no", "f"]], role_actor [["id", "a"]])'],
  'from a view through a view');
select is(cardinality(embeds('film', 'actor')), 3, 'table and views are junctions side by side');
select is(embeds('film', 'actor', 'prize_view'), '{}', 'a view without a key of both is none');
select is(brief(postern.find_relationships('film'::regclass, 'rooms', '{}', 'actor', null)), '{}', 'a junction has to be exposed');

-- Computed relationships.
create function prequel(film) returns setof film language sql stable rows 1 as $$ select * from film where id = $1.sequel_to $$;
create function actors(film) returns setof actor language sql stable as $$ select actor from actor $$;
create function one_actor(film) returns actor language sql stable as $$ select actor from actor limit 1 $$;
create function script(film) returns setof script language sql stable as $$ select script from script where film_id = $1.id $$;
create function secrets(film) returns setof hidden.secret language sql stable as $$ select s from hidden.secret s $$;
create function hidden.extras(film) returns setof actor language sql stable as $$ select actor from actor $$;

select is(postern.find_relationships('film'::regclass, 'rooms', '{rooms}', 'prequel', null) #- '{0,target_oid}', jsonb_build_array(jsonb_build_object(
    'kind', 'computed', 'to_one', true, 'is_self', true, 'origin', 'film', 'target_schema', 'rooms', 'target', 'film',
    'target_is_view', false,
    'function', jsonb_build_object('oid', 'prequel(film)'::regprocedure::oid::bigint, 'schema', 'rooms', 'name', 'prequel'))),
  'a set of one row, all of it');
select is(postern.find_relationships('film'::regclass, 'rooms', '{rooms}', 'actors', null) #> '{0,to_one}', 'false', 'a set');
select is(postern.find_relationships('film'::regclass, 'rooms', '{rooms}', 'one_actor', null) #> '{0,to_one}', 'true', 'no set');
select is(embeds('film', 'script'), array['computed script script'], 'it stands in for what is detected by that name');
select is(embeds('film', 'script', 'any'), array['computed script script'], 'whatever the hint');
select is(embeds('film', 'script_film'), '{}', 'and by the name of its key');
select is(embeds('script', 'script_film'), array['o2o film script_film [["film_id", "id"]]'], 'but not the way back');
select is(embeds('film_view', 'prequel'), '{}', 'it is of one row type');
select is(embeds('film', 'secrets') || embeds('film', 'extras'), '{}', 'function and target have to be exposed');

select * from finish();
rollback;

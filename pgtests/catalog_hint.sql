-- What a client may have meant, and which relationship.
begin;
select plan(33);

create schema rooms;
set local search_path = rooms, public;

select is(postern.edit_distance('', ''), 0, 'nothing to edit');
select is(postern.edit_distance('', 'abc'), 3, 'insert all');
select is(postern.edit_distance('abc', ''), 3, 'delete all');
select is(postern.edit_distance('kitten', 'sitting'), 3, 'kitten and sitting');
select is(postern.edit_distance('عنوان', 'عنوا'), 1, 'characters, not bytes');

select is(postern.closest_name('film', '{films,actors}', 0.75), 'films', 'the closest');
select is(postern.closest_name('FILM', '{Films}', 0.75), 'Films', 'case aside');
select is(postern.closest_name('film', '{actors}', 0.33), null, 'none that is close');
select is(postern.closest_name('film', '{}', 0.33), null, 'none at all');
select is(postern.closest_name('film', '{filmography}', 0.75), null, 'too far');
select is(postern.closest_name('film', '{filmography}', 0.33), 'filmography', 'not so far');
select is(postern.closest_name(repeat('x', 100000), '{films}', 0.1), null, 'a very long name costs nothing');
select is(postern.closest_name('film', array(select 'film' || i from generate_series(1, 501) i), 0.1), null, 'too many to choose from');

create table director (id int primary key);
create table film (id int primary key, director_id int references director);
create table actor (id int primary key);
create table role (film_id int references film, actor_id int references actor, primary key (film_id, actor_id));
create view film_list as select * from film;
create table film_secret (id int primary key, film_id int references film);
create function say_hello(name text) returns text language sql as $$ select '' $$;
create function say_bye(name text, times int) returns text language sql as $$ select '' $$;
create function say_bye() returns text language sql as $$ select '' $$;
create function whisper_low() returns text language sql as $$ select '' $$;
revoke execute on function whisper_low() from public;

create role catalog_guest;
grant usage on schema rooms, postern to catalog_guest;
grant select on director, role, film_list to catalog_guest;
grant select (id) on film to catalog_guest;
grant insert on actor to catalog_guest;

select is(postern.relation_hint('rooms', 'flim_list'), 'film_list', 'a relation');
select is(postern.relation_hint('rooms', 'film_secrets'), 'film_secret', 'one for who may know');
select is(postern.relation_hint('rooms', 'nothing_like_it'), null, 'none');
select is(postern.relation_hint('nowhere', 'film'), null, 'no such schema');
select is(postern.relationship_hint('film'::regclass, 'rooms', 'directors'), 'director', 'a related relation');
select is(postern.relationship_hint('film'::regclass, 'rooms', 'actors'), 'actor', 'through a junction');
select is(postern.relationship_hint('director'::regclass, 'rooms', 'filmlist'), 'film_list', 'a view on one');
select is(postern.relationship_hint('film'::regclass, 'rooms', 'director'), null, 'the name is right');
select is(postern.relationship_hint('director'::regclass, 'rooms', 'actors'), null, 'not a related one');
select is(postern.routine_hint('rooms', 'sayhello', '{}'), 'say_hello', 'a routine');
select is(postern.routine_hint('rooms', 'say_hello', '{nam}'), 'say_hello(name)', 'its arguments');
select is(postern.routine_hint('rooms', 'say_bye', '{time,name}'), 'say_bye(name, times)', 'of overloads the closest');
select is(postern.routine_hint('rooms', 'say_hello', '{quite_another_thing}'), null, 'nothing like its arguments');
select is(postern.routine_hint('rooms', 'whisper_lo', '{}'), 'whisper_low', 'one for who may call it');

set local role catalog_guest;
do $$ begin
  perform set_config('catalog.told', jsonb_build_array(
    postern.relation_hint('rooms', 'film_secrets'),
    postern.relation_hint('rooms', 'films'),
    postern.relation_hint('rooms', 'actr'),
    postern.routine_hint('rooms', 'whisper_lo', '{}'))::text, true);
end $$;
reset role;
select is(current_setting('catalog.told')::jsonb, '[null, "film", "actor", null]',
  'a role is told only what it has a right to, be it to one column');

create table letter (id int primary key, sender int constraint letter_sender references director,
  receiver int constraint letter_receiver references director);
select is(postern.ambiguous_details(postern.find_relationships('letter'::regclass, 'rooms', '{rooms}', 'director', null)),
  '[{"embedding": "letter with director", "cardinality": "many-to-one",
     "relationship": "letter_receiver using letter(receiver) and director(id)"},
    {"embedding": "letter with director", "cardinality": "many-to-one",
     "relationship": "letter_sender using letter(sender) and director(id)"}]', 'the candidates of an ambiguous embed');
select is(postern.ambiguous_details(postern.find_relationships('film'::regclass, 'rooms', '{rooms}', 'actor', null)),
  '[{"embedding": "film with actor", "cardinality": "many-to-many",
     "relationship": "role using role_film_id_fkey(film_id) and role_actor_id_fkey(actor_id)"}]', 'a junction among them');
select matches(
  postern.ambiguous_hint('director', postern.find_relationships('letter'::regclass, 'rooms', '{rooms}', 'director', null)),
  '''director!letter_receiver'', ''director!letter_sender''', 'how to tell them apart');

create table whisper (film_id int references film, actor_id int references actor, primary key (film_id, actor_id));
create function whisper_low(film) returns setof actor language sql stable as $$ select * from actor $$;
revoke execute on function whisper_low(film) from public;
create temp table candidates as select postern.find_relationships('film'::regclass, 'rooms', '{rooms}', name, null) as ways
from (values ('actor'), ('whisper_low'), ('film_secret')) as named(name);
grant select on candidates to catalog_guest;
select is((select array_agg(jsonb_array_length(postern.known_relationships(ways))) from candidates), '{2,1,1}', 'all relationships, for who may know');
set local role catalog_guest;
do $$ begin
  perform set_config('catalog.told', (select jsonb_agg(postern.ambiguous_details(postern.known_relationships(ways))) from candidates)::text, true);
end $$;
reset role;
select is(current_setting('catalog.told')::jsonb #>> '{}', '[[{"embedding": "film with actor", "cardinality": "many-to-many", '
  '"relationship": "role using role_film_id_fkey(film_id) and role_actor_id_fkey(actor_id)"}], null, null]',
  'no junction, function or relation that a role has no right to is among those it is told');

select * from finish();
rollback;

-- What code of the user's a command may run.
begin;
select no_plan();

create schema yard;
set local search_path = yard, public, pg_catalog;
create function calm(value int) returns int language sql stable as 'select value';
create function fixed(value int) returns int language sql immutable as 'select value';
create function wild(value int) returns int language plpgsql volatile as 'begin return value; end';
create function trip() returns trigger language plpgsql as 'begin return new; end';
create function seldom() returns trigger language plpgsql stable as 'begin return null; end';
create function is_less(a int, b int) returns boolean language sql stable as 'select a < b';
create operator <<< (leftarg = int, rightarg = int, function = is_less);
create function added(a int, b int) returns int language plpgsql volatile as 'begin return a + b; end';
create aggregate total (int) (sfunc = added, stype = int);
create aggregate greatest_of (int) (sfunc = int4larger, stype = int);
create function compared(a int, b int) returns int language sql immutable as 'select a - b';
create operator class odd for type int using btree as operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >,
  function 1 compared(int, int);
create domain plain_domain as text not null;
create domain small as int check (fixed(value) < 100);
create domain smaller as small;
create domain filled as int default wild(1);
create domain listed as int[] check (value[1] > 0);
create domain asked as text check (value <> current_setting('x.y'));
create domain asked_too as text default current_setting('x.y', true);
create type pair as (a small, b int);
create type mood as enum ('calm');
create type span as range (subtype = small);

create function pg_temp.codes(relation regclass) returns text language sql as $$
  select string_agg(coalesce(postern.user_code(relation, command), '-'), ' ' order by place)
  from unnest('{select,insert,update,delete}'::text[]) with ordinality as c (command, place) $$;
-- What the commands select, insert, update and delete run at yard.thing when it is made so.
create function pg_temp.made(definition text, more text) returns text language plpgsql as $$
begin
  execute 'create table yard.parent (id int primary key, b int unique)';
  execute 'create table yard.thing ' || definition;
  execute more;
  more := pg_temp.codes('yard.thing');
  drop table yard.thing, yard.parent cascade;
  return more;
end
$$;

select is(pg_temp.made(definition, 'select'), wanted, definition)
from (values
  ('(a int)', '- - - -'),
  ('(id bigint generated always as identity primary key, b bigserial, c uuid default gen_random_uuid(), d timestamptz default now(), e date default current_date, f text default ''x'', g int[] default ''{1}'')', '- - - -'),
  ('(a int references parent, b int references parent, c int references parent (b), d int check (d > 0), e text unique, f text generated always as (lower(e)) stored)', '- - - -'),
  ('(a int, exclude using btree (a with =))', '- - - -'), ('(a int unique deferrable)', '- - - -'),
  ('(a int default case when random() > 0.5 then 1 end)', '- - - -'), ('(a text default current_setting(''x.y'', true))', '- stable - -'),
  ('(a asked)', '- stable stable -'), ('(a asked_too[])', '- stable stable -'),
  ('(a mood, b mood[], c plain_domain, d parent, e listed)', '- - - -'),
  ('(a int default calm(1))', '- stable - -'), ('(a int default wild(1))', '- volatile - -'), ('(a int default calm(wild(1)))', '- volatile - -'),
  ('(a int default 1, b boolean default 1 <<< 2)', '- stable - -'),
  ('(a text default set_config(''x.y'', ''1'', true))', '- volatile - -'), ('(a xml default query_to_xml(''select 1'', true, true, ''''))', '- volatile - -'),
  ('(a text check (set_config(''x.y'', ''1'', true) <> ''''))', '- volatile volatile -'),
  ('(a int check (fixed(a) > 0))', '- stable stable -'), ('(a int check (wild(a) > 0))', '- volatile volatile -'), ('(a int check (a <<< 3))', '- stable stable -'),
  ('(a int, b int generated always as (fixed(a)) stored)', '- stable stable -'),
  ('(a small)', '- stable stable -'), ('(a smaller)', '- stable stable -'), ('(a small[])', '- stable stable -'), ('(a pair)', '- stable stable -'),
  ('(a pair[])', '- stable stable -'), ('(a span)', '- stable stable -'), ('(a filled)', '- volatile volatile -'),
  ('(a int, exclude using btree (a odd with =))', '- stable stable -')
) as cases(definition, wanted);

select is(pg_temp.made('(a int primary key, b int)', more), wanted, more)
from (values
  ('create index on thing (abs(a)) where a > 0', '- - - -'), ('create index on thing (fixed(a))', '- stable stable -'),
  ('create index on thing (a) where fixed(a) > 0', '- stable stable -'), ('create index on thing (a odd)', '- stable stable -'),
  ('create view seen as select wild(a) from thing', '- - - -'), ('create materialized view kept as select wild(a) from thing', '- - - -'),
  ('create trigger t before insert on thing for each row execute function trip()', '- volatile - -'),
  ('create trigger t after update of b on thing for each row execute function trip()', '- - volatile -'),
  ('create trigger t after delete on thing execute function trip()', '- - - volatile'),
  ('create trigger t after truncate on thing execute function trip()', '- - - -'),
  ('create trigger t after insert or delete on thing execute function seldom()', '- stable - stable'),
  ('create trigger t before update on thing for each row execute function suppress_redundant_updates_trigger()', '- - - -'),
  ('create trigger t before update on thing for each row when (calm(new.a) > 0) execute function suppress_redundant_updates_trigger()', '- - stable -'),
  ('create trigger t before insert on thing for each row execute function trip(); alter table thing disable trigger t', '- - - -'),
  ('create trigger t before insert on thing for each row execute function trip(); alter table thing enable always trigger t', '- volatile - -'),
  ('create policy p on thing using (wild(a) > 0)', '- - - -'),
  ('alter table thing enable row level security', '- - - -'),
  ('alter table thing enable row level security; create policy p on thing using (a > 0)', '- - - -'),
  ('alter table thing enable row level security; create policy p on thing using (calm(a) > 0)', 'stable stable stable stable'),
  ('alter table thing enable row level security; create policy p on thing for insert with check (wild(a) > 0)', '- volatile - -'),
  ('alter table thing enable row level security; create policy p on thing for delete to pg_monitor using (a <<< 0)', '- - - stable'),
  ('alter table thing enable row level security; create policy p on thing for update using (true) with check (calm(a) > 0)', '- - stable -'),
  ('alter table thing enable row level security; create policy p on thing using (exists (select from parent)); alter table parent enable row level security; create policy q on parent using (wild(id) > 0)', 'volatile volatile volatile volatile'),
  ('alter table thing enable row level security; create policy p on thing using (current_setting(''request.jwt.claims'') <> '''')', 'stable stable stable stable'),
  ('alter table thing enable row level security; create policy p on thing using (set_config(''x.y'', ''1'', true) = ''1'')', 'volatile volatile volatile volatile'),
  ('create rule r as on insert to thing do also select 1', '- - - -'), ('create rule r as on insert to thing do also select wild(1)', '- volatile - -'),
  ('create rule r as on update to thing do instead nothing', '- - - -'),
  ('create trigger t before insert on parent for each row execute function trip(); create rule r as on delete to thing do also insert into parent values (old.a)', '- - - volatile'),
  -- What other tables do.
  ('alter table parent add foreign key (b) references thing on delete cascade on update cascade', '- - - -'),
  ('alter table parent add foreign key (b) references thing; create trigger t before delete or update on parent for each row execute function trip()', '- - - -'),
  ('alter table parent add foreign key (b) references thing on delete cascade; create trigger t before delete on parent for each row execute function trip()', '- - - volatile'),
  ('alter table parent add foreign key (b) references thing on delete cascade; create trigger t after delete on parent execute function trip()', '- - - volatile'),
  ('alter table parent add foreign key (b) references thing on delete cascade; create trigger t before update on parent for each row execute function trip()', '- - - -'),
  ('alter table parent add foreign key (b) references thing on delete set null; create trigger t before update on parent for each row execute function trip()', '- - - volatile'),
  ('alter table parent add foreign key (b) references thing on update cascade, add check (fixed(b) > 0)', '- - stable -'),
  ('alter table parent add foreign key (b) references thing on update set null, add c int generated always as (fixed(b)) stored', '- - stable -'),
  ('alter table parent add foreign key (b) references thing on delete set null, alter b set default wild(1)', '- - - -'),
  ('alter table parent add foreign key (b) references thing on delete set default, alter b set default wild(1)', '- - - volatile'),
  ('alter table parent add foreign key (b) references thing on delete cascade, enable row level security; create policy p on parent using (wild(b) > 0)', '- - - -'),
  ('alter table parent add foreign key (b) references thing on delete cascade; create table third (c int primary key references parent on delete cascade); create trigger t before delete on third for each row execute function trip(); alter table third add foreign key (c) references third', '- - - volatile'),
  ('alter table parent add foreign key (b) references thing on delete cascade; alter table thing add foreign key (b) references parent on delete cascade', '- - - -'),
  ('create table heir () inherits (thing); create trigger t before insert or update on heir for each row execute function trip()', '- - volatile -'),
  ('create table heir () inherits (thing); create trigger t after update on heir execute function trip()', '- - - -'),
  ('create table heir () inherits (thing); alter table heir enable row level security; create policy p on heir using (wild(a) > 0)', '- - - -')
) as cases(more, wanted);

select is(pg_temp.made('(a int, b int) partition by list (a); create table part partition of yard.thing for values in (1); create table partly partition of yard.thing default partition by list (b); create table last partition of partly default', more), wanted, more)
from (values
  ('select', '- - - -'),
  ('create trigger t before insert on last for each row execute function trip()', '- volatile volatile -'),
  ('create trigger t after insert on last execute function trip()', '- - - -'),
  ('create trigger t after update on thing execute function trip()', '- - volatile -'),
  ('create trigger t after delete on thing for each row execute function seldom()', '- - stable stable'),
  ('alter table last add check (fixed(b) > 0)', '- stable stable -'), ('create index on part (fixed(b))', '- stable stable -'),
  ('alter table thing enable row level security; create policy p on thing for select using (calm(a) > 0)', 'stable stable stable stable'),
  ('create extension postgres_fdw; create server far foreign data wrapper postgres_fdw; create foreign table distant partition of thing for values in (2) server far', 'volatile volatile volatile volatile')
) as cases(more, wanted);

-- Views: what they call, what they show, and what is done instead.
create table base (a int primary key, b int default calm(1));
create table guarded (a int);
alter table guarded enable row level security;
create policy p on guarded using (calm(a) > 0);
create table noisy (a int primary key);
create trigger t before insert or update on noisy for each row execute function trip();
create view over_base as select * from base;
create view over_view as select a from over_base where b > 0;
create view over_guarded as select * from guarded;
create view over_noisy as select * from noisy;
create view asks as select a from base where exists (select from guarded);
create view calls as select a, fixed(b) as b from base;
create view sets as select set_config('x.y', a::text, false) from base;
create view counts as select total(a) as t from base;
create view most as select greatest_of(a) as t from base;
create view compares as select a <<< b as less from base;
create view casts as select a::small as s from base;
create view rows as select * from generate_series(1, 2) as n;
create view replaced as select a from noisy;
create trigger t instead of insert on replaced for each row execute function seldom();
create rule r as on update to replaced do instead nothing;
create view defaulted as select * from guarded;
alter view defaulted alter a set default wild(1);
create materialized view kept as select wild(a) from base;
select is(pg_temp.codes(relation::regclass), wanted, relation)
from (values
  ('base', '- stable - -'), ('over_base', '- stable - -'), ('over_view', '- stable - -'), ('over_guarded', 'stable stable stable stable'),
  ('over_noisy', '- volatile volatile -'), ('asks', 'stable stable stable stable'), ('calls', 'stable stable stable stable'),
  ('sets', 'volatile volatile volatile volatile'), ('counts', 'volatile volatile volatile volatile'), ('compares', 'stable stable stable stable'),
  ('casts', 'stable stable stable stable'), ('rows', '- - - -'), ('replaced', '- stable stable -'), ('defaulted', 'stable volatile stable stable'),
  ('kept', '- - - -'), ('pg_catalog.pg_class', '- - - -')
) as cases(relation, wanted);
select is(postern.user_code('most'::regclass, 'select'), null, 'an aggregate of functions that PostgreSQL comes with');
select is(postern.user_code(0, 'select'), 'volatile', 'what is not there');

select is(postern.function_code(functions::regprocedure[]::oid[]), wanted, functions)
from (values
  ('{}', null), ('{now(),lower(text)}', null), ('{fixed(int)}', 'stable'), ('{calm(int),now()}', 'stable'), ('{calm(int),wild(int)}', 'volatile'),
  ('{total(int)}', 'volatile'), ('{greatest_of(int)}', null), ('{has_schema(name)}', 'volatile')
) as cases(functions, wanted);
select is(postern.function_code(null), null, 'no functions');
select is(postern.function_code('{0}'), null, 'none that is there');
select is(postern.tree_code(':funcid ' || oid::int || ' '), 'volatile', oid::regprocedure::text)
from pg_proc where pronamespace = 'pg_catalog'::regnamespace and oid < 16384 and (proname = 'set_config' or proname ~ '^pg_(try_)?advisory_lock'
  or proname ~ '^(query|cursor|table|schema|database)_to_xml' or proname = 'ts_stat' or proname = 'ts_rewrite' and pronargs = 2);
select is(postern.tree_code(':funcid ' || oid::int || ' '), null, oid::regprocedure::text)
from unnest('{now(),nextval(regclass),gen_random_uuid(),random(),"ts_rewrite(tsquery,tsquery,tsquery)","xpath(text,xml)"}'::regprocedure[]) as oid;

select is(postern.tree_code(':funcid ' || oid::int || ' '), 'stable', oid::regprocedure::text)
from unnest('{current_setting(text),"current_setting(text,boolean)",pg_show_all_settings()}'::regprocedure[]) as oid;

-- Casts and operators, which expressions of ours may use where none names them.
create type lamp as enum ('on', 'off');
create table lamps (a int, b lamp, c lamp[]);
select is(postern.types_code('lamps'::regclass), null, 'an enum');
create function lamp_json(lamp) returns json language sql stable as 'select null::json';
create cast (lamp as json) with function lamp_json(lamp);
select is(postern.types_code('lamps'::regclass), 'stable', 'an enum with a cast');
create function lamp_is(lamp, text) returns boolean language sql as 'select true';
create operator ~~~~ (leftarg = lamp, rightarg = text, function = lamp_is);
select is(postern.types_code('lamps'::regclass), 'volatile', 'an enum with an operator');
select is(postern.types_code('base'::regclass), null, 'types that PostgreSQL comes with');
select is(postern.common_code(), 'stable', 'operators of types that PostgreSQL comes with');
create function int_json(int) returns json language sql as 'select null::json';
create cast (int as json) with function int_json(int);
select is(postern.common_code(), 'volatile', 'casts of types that PostgreSQL comes with');
create function told(a int default 1, b int default wild(2)) returns int language sql stable as 'select 1';
create function asked(a text default current_setting('x.y', true)) returns int language sql stable as 'select 1';
select is(postern.defaults_code('told'::regproc), 'volatile', 'a default that is VOLATILE');
select is(postern.defaults_code('asked'::regproc), 'stable', 'a default that asks for a setting');
select is(postern.defaults_code('wild'::regproc), null, 'no default');
-- What a rule does to its own table.
create table buried (id int, gone boolean);
create trigger t before update on buried for each row execute function trip();
create rule r as on delete to buried do instead update buried set gone = true where id = old.id;
select is(postern.user_code('buried'::regclass, 'delete'), 'volatile', 'a rule that changes its own table');
create table parted (id int) partition by list ((fixed(id)));
select is(postern.user_code('parted'::regclass, 'insert'), 'volatile', 'an expression that partitions');

-- Where a row that is inserted is inserted for certain.
create table late (a int primary key, b int references late deferrable, c int unique deferrable);
select is(postern.inserts_plainly(relation::regclass), wanted, relation)
from (values ('base', true), ('late', true), ('noisy', false), ('over_base', false), ('guarded', true)) as cases(relation, wanted);
create rule r as on insert to base do also select 1;
select is(postern.inserts_plainly('base'::regclass), false, 'a rule');
set local search_path = public;

-- A statement that runs none does not ask for response.status; one that does has its say.
create table yard.plain (id int primary key, note text, price numeric);
create table yard.loud (id int primary key, note text default set_config('response.status', '299', true));
select set_config('testing.settings', '{"db_schemas": ["yard"]}', true);
create function pg_temp.posted(target text, body text, prefer text default 'return=representation')
returns text
language sql
as $$ select testing.brief('POST', target, jsonb_build_object('prefer', prefer, 'content-type', 'application/json'), body) $$;
select is(pg_temp.posted('/plain?select=note,id,p:price,cut:note', '{"id": 1, "note": "a \"b\"", "price": null}'), '201 [{"note":"a \"b\"","id":1,"p":null,"cut":"a \"b\""}]', 'fields in their order');
select is(pg_temp.posted('/plain?select=id::text,note', '{"id": 2, "note": null}'), '201 [{"id":"2","note":null}]', 'a cast');
select is(pg_temp.posted('/plain?select=' || string_agg('id', ',' order by i), '{"id": 3}'), '201 [{' || string_agg('"id":3', ',') || '}]', 'as many fields as one likes')
from generate_series(1, 60) as i;
select is(pg_temp.posted('/loud', '{"id": 1}'), '299 [{"id":1,"note":"299"}]', 'a default may set response.status');
select set_config('response.status', '', true);
select is(testing.brief('DELETE', '/plain?id=eq.3'), '204', 'a delete');
select is(testing.brief('PATCH', '/plain?id=eq.1', '{"prefer": "return=representation", "content-type": "application/json"}', '{"note": "c"}'), '200 [{"id":1,"note":"c","price":null}]', 'an update');
select is((testing.answer('POST', '/plain?select=id,note', '{"prefer": "return=representation", "accept": "application/vnd.pgrst.object+json;nulls=stripped", "content-type": "application/json"}', '{"id": 4}')).body, '{"id":4}', 'without nulls');

select * from finish();
rollback;

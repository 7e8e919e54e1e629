-- Which inserts may run code of the user's.
begin;
select no_plan();

create schema yard;
create function yard.own(value int) returns int language sql immutable as 'select value';
create function yard.trip() returns trigger language plpgsql as 'begin return new; end';
create domain yard.count as int check (value > 0);
create type yard.mood as enum ('calm');
create function pg_temp.runs(definition text, more text default 'select')
returns boolean
language plpgsql
as $$
begin
  execute 'create table yard.thing ' || definition;
  execute more;
  more := postern.insert_runs_code('yard.thing'::regclass);
  drop table yard.thing cascade;
  return more::boolean;
end
$$;
create table yard.parent (id int primary key);
select is(pg_temp.runs(definition), wanted, definition)
from (values
  ('(a int)', false),
  ('(id bigint generated always as identity primary key, b bigserial, c uuid default gen_random_uuid(), d timestamptz not null default now(), e date default current_date, f text default ''x'', g int[] default ''{1}'')', false),
  ('(a int references yard.parent, b int check (b > 0 and b < 10), c text check (c in (''a'', ''b'')), d text unique, e text generated always as (lower(c)) stored)', false),
  ('(a int, b text, exclude using btree (a with =))', false),
  ('(a int default yard.own(1))', true), ('(a int check (yard.own(a) > 0))', true), ('(a int, b int generated always as (yard.own(a)) stored)', true),
  ('(a yard.count)', true), ('(a yard.mood)', true), ('(a yard.mood[])', true), ('(a yard.parent)', true),
  ('(a text default set_config(''response.status'', ''299'', true))', true), ('(a text check (set_config(''response.status'', ''299'', true) <> ''''))', true),
  ('(a text default current_setting(''request.jwt.claims'', true))', true), ('(a xml default query_to_xml(''select 1'', true, true, ''''))', true),
  ('(a int default case when random() > 0.5 then 1 end)', true)
) as cases(definition, wanted);
select is(pg_temp.runs('(a int)', more), true, more)
from unnest(array['alter table yard.thing enable row level security', 'create rule r as on insert to yard.thing do also select 1',
  'create trigger t before insert on yard.thing for each row execute function yard.trip()', 'create index on yard.thing (yard.own(a))',
  'create index on yard.thing (a) where yard.own(a) > 0']) as more;
select is(pg_temp.runs('(a int)', more), false, more)
from unnest(array['create index on yard.thing (abs(a)) where a > 0', 'create view yard.seen as select * from yard.thing']) as more;
create view yard.parents as select * from yard.parent;
select is(postern.insert_runs_code('yard.parents'::regclass), true, 'a view');
select is(postern.insert_runs_code(0), true, 'what is not there');

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

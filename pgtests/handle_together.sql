-- To-many embeds that are read for all parents together give what a subquery for each parent gives.
begin;
select no_plan();

create schema orchard;
create table orchard.tree (row int, col int, kind text, primary key (row, col));
create table orchard.branch (id int primary key, row int, col int, height int, foreign key (row, col) references orchard.tree);
create table orchard.apple (id int primary key, branch_id int references orchard.branch, weight int);
create table orchard.picker (id int primary key, name text);
create table orchard.picks (apple_id int references orchard.apple, picker_id int references orchard.picker, primary key (apple_id, picker_id));
insert into orchard.tree select r, c, 'k' || r * c from generate_series(1, 4) as r, generate_series(1, 3) as c;
insert into orchard.branch select 100 - i, 1 + i % 3, 1 + i % 2, i % 7 from generate_series(1, 60) as i;
insert into orchard.apple select i, nullif(40 + i * 7 % 60, 50), i * 13 % 10 from generate_series(1, 200) as i;
insert into orchard.picker select i, 'p' || i from generate_series(1, 5) as i;
insert into orchard.picks select i, 1 + (i + j) % 5 from generate_series(1, 200, 3) as i, generate_series(1, 2) as j;
create function orchard.twigs(orchard.tree) returns setof orchard.branch language sql stable as 'select * from orchard.branch where row = $1.row';
select set_config('testing.settings', '{"db_schemas": ["orchard"]}', true);

-- The rows of a request, with its embeds read as for so many parents.
select set_config('postern.path', 'orchard, public', true);
create function pg_temp.node(target text)
returns jsonb
language sql
as $$
  select postern.plan_root('{"schema": "orchard", "schemas": ["orchard"], "aggregates": true, "legacy": true}', relation,
    postern.relation_columns((relation ->> 'oid')::oid), testing.trees(target))
  from postern.find_relation('orchard', substring(target from '^/([a-z]+)')) as relation
$$;
create function pg_temp.rows(target text, parents float8, written boolean default false)
returns text
language plpgsql
as $$
declare
  node jsonb := postern.plan_ways(pg_temp.node(target), parents);
  made text;
begin
  if written then
    node := postern.plan_written(node);
    if not node ? 'written' then
      return 'not written';
    end if;
  end if;
  execute format('select %s::text from (%s) as pgrst_answer', postern.render_body('{"handler": "json", "strip": false}', 'rows', node),
    regexp_replace(postern.render_rows(node, postern.render_source(node, null), null, 'labels'), '\$[2-9]', quote_literal('2'), 'g')) into made;
  return made;
end
$$;
create temp table cases as
select target
from unnest(array[
  '/tree?select=row,col,branch(id,height)&order=row,col&branch.order=height.desc,id',
  '/tree?select=row,col,branch(id)&order=kind.desc,row,col',
  '/tree?select=row,branch(id,apple(id,weight))&order=row,col&branch.order=id&branch.apple.order=weight,id',
  '/tree?select=row,branch(id,apple(id,picker(name)))&limit=3&offset=2&order=row,col&branch.height=gt.2&branch.order=id&branch.apple.order=id&branch.apple.picker.order=id',
  '/picker?select=name,apple(id,branch(height))&order=id&apple.weight=lt.5&apple.order=id',
  '/apple?select=id,picker(*)&order=id&limit=20&picker.order=id',
  '/branch?select=id,apple!inner(id)&apple.weight=gt.8&order=id&apple.order=id',
  '/branch?select=id,apple(),picked:apple(count:id::text)&order=id&limit=5&picked.order=id',
  '/tree?select=row,twigs(id,apple(id))&order=row,col&twigs.order=id&twigs.apple.order=id',
  '/tree?select=row,...branch(id)&order=row,col&branch.order=id',
  '/branch?select=id,tree(kind,branch(id))&order=id&limit=4&tree.branch.order=id',
  '/branch?select=id,...tree(kind,near:branch(id))&order=id&tree.near.order=id',
  '/tree?select=row,branch(id,height)&order=row,col&branch.order=height,id&branch.limit=2',
  '/tree?select=row,branch(id,height)&order=row,col&branch.order=height.desc,id&branch.limit=2&branch.offset=1',
  '/tree?select=row,branch(id,apple(id,weight))&order=row,col&branch.order=id&branch.offset=2&branch.apple.order=weight.desc,id&branch.apple.limit=1',
  '/picker?select=name,apple(id,branch(id,height))&order=id&apple.order=weight,id&apple.limit=3',
  '/branch?select=id,apple(count(),weight.sum())&order=id', '/tree?select=kind,branch(id,height,tree(row,col))&order=kind&branch.order=id'
]) as target;
select is(pg_temp.rows(target, 'infinity'), pg_temp.rows(target, 1), target) from cases;
select is(testing.get(target), '200 ' || replace(pg_temp.rows(target, 1), E', \n ', ','), 'answered: ' || target) from cases where target !~ '[lg]t[.]|offset|count';
select isnt(pg_temp.rows(target, parents, true), null, 'written: ' || target) from cases, (values (1::float8), ('infinity')) as counts(parents);
select is(written, plain, concat_ws(' ', 'written', parents, target))
from cases, (values (1::float8), ('infinity')) as counts(parents), lateral (select pg_temp.rows(target, parents, true) as written, pg_temp.rows(target, parents) as plain) as both_ways
where written <> 'not written';

-- Where columns are granted, ctid is not.
create function testing.granted() returns setof text language sql immutable as $$
  values ('/tree?select=row,col,branch(id)&branch.order=id&order=row,col'), ('/tree?select=row,branch(id,apple(id))&branch.order=id&branch.apple.order=id&order=row,col'),
    ('/picker?select=id,apple(id)&apple.order=id&order=id'), ('/branch?select=id,apple(id)&apple.order=id&order=id&limit=3'), ('/branch?select=id,apple!inner(id)&apple.order=id&order=id'),
    ('/picker?select=id,apple(id)&apple.id=eq.4') $$;
grant usage on schema orchard to store_clerk;
grant select (row, col) on orchard.tree to store_clerk;
grant select (id, row, col) on orchard.branch to store_clerk;
grant select (id, branch_id) on orchard.apple to store_clerk;
grant select (apple_id, picker_id) on orchard.picks to store_clerk;
grant select (id) on orchard.picker to store_clerk;
select set_config('testing.all', (select jsonb_object_agg(target, testing.get(target))::text from testing.granted() as target), true);
set local role store_clerk;
select is(testing.get(target), current_setting('testing.all')::jsonb ->> target, 'of granted columns: ' || target) from testing.granted() as target;
reset role;

select * from finish();
rollback;

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

-- A limit on the embed turns it into a subquery for each parent; a limit that no parent reaches changes nothing else.
select is(testing.get(together)::text, testing.get(together || each)::text, together)
from (values
  ('/tree?select=row,col,branch(id,height)&order=row,col&branch.order=height.desc,id', '&branch.limit=999'),
  ('/tree?select=row,col,branch(id)&order=kind.desc,row,col', '&branch.limit=999'),
  ('/tree?select=row,branch(id,apple(id,weight))&order=row,col&branch.order=id&branch.apple.order=weight,id', '&branch.limit=999&branch.apple.limit=999'),
  ('/tree?select=row,branch(id,apple(id,picker(name)))&limit=3&offset=2&order=row,col&branch.height=gt.2', '&branch.limit=999&branch.apple.limit=999&branch.apple.picker.limit=999'),
  ('/picker?select=name,apple(id,branch(height))&order=id&apple.weight=lt.5', '&apple.limit=999'),
  ('/apple?select=id,picker(*)&order=id&limit=20', '&picker.limit=999'),
  ('/branch?select=id,apple!inner(id)&apple.weight=gt.8&order=id', '&apple.limit=999'),
  ('/branch?select=id,apple(),picked:apple(count:id::text)&order=id&limit=5', '&picked.limit=999'),
  ('/tree?select=row,twigs(id,apple(id))&order=row,col&twigs.order=id', '&twigs.limit=999&twigs.apple.limit=999'),
  ('/tree?select=row,twigs(id,apple(id))&order=row,col', '&twigs.apple.limit=999'),
  ('/tree?select=row,...branch(id)&order=row,col', ''),
  ('/branch?select=id,tree(kind,branch(id))&order=id&limit=4', '&tree.branch.limit=999')
) as cases(together, each);

select ok((postern.compile(testing.request('GET', '/tree'), E'\x1fselect\x1e\x1erow,branch(id)', postern.settings('{"db_schemas": ["orchard"]}'))).statement
  like '%group by pgrst_parent_1_1, pgrst_parent_1_2%', 'all parents together');
select ok((postern.compile(testing.request('GET', '/branch'), E'\x1fselect\x1e\x1eid,apple(id)\x1fid\x1eeq\x1e\x01', postern.settings('{"db_schemas": ["orchard"]}'))).statement
  not like '%group by%', 'one parent by its key');

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

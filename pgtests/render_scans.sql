-- No statement scans a relation more often than the request names it: as an embed, as what an embed must have (inner), or as
-- what is ordered by. Whichever way embeds are read, and whichever index there is.
begin;
select no_plan();

create schema orchard;
create table orchard.tree (id int primary key, kind text);
create table orchard.branch (id int primary key, tree_id int references orchard.tree, height int);
create table orchard.apple (id int primary key, branch_id int references orchard.branch, weight int);
create table orchard.picker (id int primary key, name text);
create table orchard.picks (apple_id int references orchard.apple, picker_id int references orchard.picker, primary key (apple_id, picker_id));
create view orchard.branches as select * from orchard.branch;
create function pg_temp.scans(target text, parents float8, written boolean)
returns jsonb
language plpgsql
as $$
declare
  node jsonb := (
    select postern.plan_ways(postern.plan_rows(postern.plan_root('{"schema": "orchard", "schemas": ["orchard"], "aggregates": true, "legacy": true}', relation,
        postern.relation_columns((relation ->> 'oid')::oid), testing.trees(target)), 'relation', written), parents)
    from postern.find_relation('orchard', substring(target from '^/([a-z]+)')) as relation);
  plan json;
begin
  execute format('explain (format json) select %s, %s from (%s) as pgrst_answer', postern.render_body('{"handler": "json", "strip": false}', 'rows', node),
    coalesce(postern.render_escapes(node), 'null'), regexp_replace(postern.render_rows(node, postern.render_source(node, null), null, 'labels'), '\$[2-9]', quote_literal('2'), 'g')) into plan;
  return (
    select jsonb_object_agg(name, times)
    from (select scan #>> '{}' as name, count(*) as times from jsonb_path_query(plan::jsonb, 'strict $.** ? (exists (@."Relation Name"))."Relation Name"') as scan group by 1) as counted);
end
$$;
create temp table cases as select * from (values
  ('/tree', '{"tree": 1}'),
  ('/tree?select=id,branch(id)', '{"tree": 1, "branch": 1}'),
  ('/tree?select=id,branch(id,height)&branch.order=height&branch.limit=3&limit=5', '{"tree": 1, "branch": 1}'),
  ('/tree?select=id,kind,branch(id,height,apple(id,weight))&branch.apple.weight=gt.3', '{"tree": 1, "branch": 1, "apple": 1}'),
  ('/apple?select=id,weight,branch(id,height,tree(id,kind))', '{"apple": 1, "branch": 1, "tree": 1}'),
  ('/apple?select=id,weight,picker(id,name)', '{"apple": 1, "picker": 1, "picks": 1}'),
  ('/tree?select=id,...branch(id,height)', '{"tree": 1, "branch": 1}'),
  ('/branch?select=id,...tree(kind),apple(id,weight)', '{"tree": 1, "branch": 1, "apple": 1}'),
  ('/branches?select=id,tree(id,kind)', '{"tree": 1, "branch": 1}'),
  ('/tree?select=kind,branch(height.sum())', '{"tree": 1, "branch": 1}'),
  ('/branch?select=...tree(kind),id.count()&order=tree(kind)', '{"tree": 1, "branch": 1}'),
  ('/tree?select=id,branch()', '{"tree": 1}'),
  ('/tree?select=id,branch!inner()', '{"tree": 1, "branch": 1}'),
  ('/tree?select=id,branch()&branch=is.null', '{"tree": 1, "branch": 1}'),
  ('/tree?select=id,kind,branch!inner(id,height)&branch.height=gt.2', '{"tree": 1, "branch": 2}'),
  ('/branch?select=id,tree(id,kind)&order=tree(kind)&limit=7', '{"branch": 1, "tree": 2}'),
  ('/tree?select=id,below:branch(id,height),above:branch(id)', '{"tree": 1, "branch": 2}')
) as listed(target, wanted);
create function pg_temp.wrong()
returns setof text
language sql
as $$
  select concat_ws(' ', target, parents, written, found)
  from cases, (values (1::float8), ('infinity')) as counts(parents), (values (true), (false)) as forms(written), pg_temp.scans(target, parents, written) as found
  where found is distinct from wanted::jsonb
$$;
select is_empty('select pg_temp.wrong()', 'empty tables');
insert into orchard.tree select i, 'kind' from generate_series(1, 500) as i;
insert into orchard.branch select i, 1 + i % 500, i from generate_series(1, 3000) as i;
insert into orchard.apple select i, 1 + i % 3000, i from generate_series(1, 9000) as i;
insert into orchard.picker select i, 'p' from generate_series(1, 50) as i;
insert into orchard.picks select i, 1 + i % 50 from generate_series(1, 9000) as i;
analyze orchard.tree, orchard.branch, orchard.apple, orchard.picker, orchard.picks;
select is_empty('select pg_temp.wrong()', 'tables without indexes');
create index on orchard.branch (tree_id);
create index on orchard.apple (branch_id);
create index on orchard.picks (picker_id);
select is_empty('select pg_temp.wrong()', 'tables with indexes');
set local random_page_cost = 1.1;
select is_empty('select pg_temp.wrong()', 'on a fast disk');

select * from finish();
rollback;

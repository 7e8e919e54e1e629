-- Conditions on results of aggregates, orders by them, distinct: what PostgREST refuses.
begin;
select no_plan();
create schema sums;
create type sums.size as enum ('small', 'large');
create domain sums.cents as int;
create table sums.customers (id int primary key, name text, country text);
create table sums.orders (
  id int primary key, customer_id int references sums.customers, category text, amount int, price numeric(9, 2), cents sums.cents,
  on_day date, size sums.size, code varchar(10), data jsonb, note json, "a b" text generated always as (category || '!') stored);
create table sums.counts (id int primary key, count int, n int, kind text);
create table sums.distinct (id int primary key, count_id int references sums.counts);
create table sums.parted (id int, kind text, amount int) partition by list (kind);
create table sums.parted_a partition of sums.parted for values in ('a');
create table sums.parted_b partition of sums.parted for values in ('b');
create table sums.secrets (id int, owner text, amount int, hidden int);
alter table sums.secrets enable row level security;
create policy own on sums.secrets using (owner = current_setting('request.jwt.claims', true)::json ->> 'sub');
create view sums.big as select * from sums.orders where amount > 2;
create function sums.shout(sums.orders) returns text language sql immutable as $$ select upper($1.category) $$;
create function sums.total(sums.customers) returns int language sql immutable as $$ select 7 $$;
create function sums.lots(lowest int) returns table(category text, total bigint) language sql stable as $$
  select o.category, sum(o.amount) from sums.orders as o group by 1 having sum(o.amount) >= lowest
$$;
create function sums.orders_of(customer int) returns setof sums.orders language sql stable as $$ select * from sums.orders where customer_id = customer $$;
create function sums.numbers() returns setof int language sql immutable as $$ values (1), (2), (2) $$;
insert into sums.customers values (1, 'Ann', 'DE'), (2, 'Bo', 'FR'), (3, 'Cy', 'DE'), (4, 'Di', null);
insert into sums.orders (id, customer_id, category, amount, price, cents, on_day, size, code, data) values
  (1, 1, 'tea', 1, 1.50, 100, '2024-01-01', 'small', 'a', '{"k": 1}'), (2, 1, 'tea', 2, 2.50, 200, '2024-01-02', 'large', 'b', '{"k": 1}'),
  (3, 1, 'cups', 3, 3.50, 300, '2024-01-03', 'small', 'c', '{"k": 2}'), (4, 2, 'tea', 4, 4.50, 400, '2024-01-04', 'large', 'd*', '{"k": 2}'),
  (5, 2, 'cups', null, 5.50, 500, '2024-01-05', 'small', 'e', null), (6, 3, 'pots', 6, 6.50, 600, '2024-01-06', null, null, '{"k": 2}');
insert into sums.counts values (1, 5, 1, 'a'), (2, 6, 1, 'a'), (3, 7, 2, 'b');
insert into sums.parted values (1, 'a', 1), (2, 'a', 2), (3, 'b', 3);
insert into sums.secrets values (1, 'ann', 5, 0), (2, 'ann', 6, 0), (3, 'bo', 7, 0);
insert into sums.distinct values (1, 1), (2, 1); -- an embed of sums.counts
grant usage on schema sums to store_anon;
grant select on all tables in schema sums to store_anon;
revoke select on sums.secrets from store_anon;
grant select (id, owner, amount) on sums.secrets to store_anon;
grant update on sums.orders to store_anon;
select set_config('testing.settings', '{"db_schemas": ["sums"], "db_aggregates_enabled": true, "db_plan_enabled": true}', true);

select is(testing.get(target), '200 ' || wanted, target)
from (values
  -- A filter on the name of a result is HAVING.
  ('/orders?select=category,n:count()&n=gt.2', '[{"category":"tea","n":3}]'),
  ('/orders?select=category,n:count()&n=not.gt.2&order=category', '[{"category":"cups","n":2},{"category":"pots","n":1}]'),
  ('/orders?select=category,n:count()&n=gte.2&n=lt.3', '[{"category":"cups","n":2}]'),
  ('/orders?select=category,n:count()&n=in.(1,3)&order=category', '[{"category":"pots","n":1},{"category":"tea","n":3}]'),
  ('/orders?select=category,n:count()&n=not.in.(1,3)', '[{"category":"cups","n":2}]'),
  ('/orders?select=category,n:count()&n=in.()', '[]'),
  ('/orders?select=category,n:count()&n=eq(any).{1,2}&n=gt(all).{0,1}', '[{"category":"cups","n":2}]'),
  ('/orders?select=category,n:count()&n=isdistinct.3&n=neq.1', '[{"category":"cups","n":2}]'),
  ('/orders?select=category,total:amount.sum()&total=is.null', '[]'),
  ('/orders?select=category,total:amount.sum()&amount=is.null&total=is.null', '[{"category":"cups","total":null}]'),
  ('/orders?select=category,total:amount.sum()&total=not.is.null&total=lt.7&order=category', '[{"category":"cups","total":3},{"category":"pots","total":6}]'),
  ('/orders?select=n:count()&n=gt.100', '[]'), ('/orders?select=n:count()&n=gt.5', '[{"n":6}]'),
  ('/orders?select=category,"my n":count()&"my n"=eq.3', '[{"category":"tea","my n":3}]'),
  ('/orders?select=category,n:count()&n=gt.1&category=neq.tea', '[{"category":"cups","n":2}]'),
  ('/orders?select=category,n:count()&id=eq.1&n=gt.1', '[]'), ('/orders?select=category,n:count()&id=eq.1&n=lt.2', '[{"category":"tea","n":1}]'),
  -- The type of a result is that of the aggregate, or of its cast.
  ('/orders?select=category,x:amount.avg()&x=eq.3', '[{"category":"cups","x":3.0000000000000000}]'),
  ('/orders?select=category,x:price.sum()&x=gt.8.99&order=x', '[{"category":"cups","x":9.00}]'),
  ('/orders?select=category,x:cents.sum()&x=eq.800', '[{"category":"cups","x":800}]'),
  ('/orders?select=category,x:on_day.max()&x=lt.2024-01-05', '[{"category":"tea","x":"2024-01-04"}]'),
  ('/orders?select=category,x:size.max()&x=eq.large', '[{"category":"tea","x":"large"}]'),
  ('/orders?select=category,x:code.min()&x=like.*&x=neq.a', '[{"category":"cups","x":"c"}]'),
  ('/orders?select=category,x:code.max()&x=like.d*', '[{"category":"tea","x":"d*"}]'),
  ('/orders?select=category,x:code.max()&x=imatch.^E$', '[{"category":"cups","x":"e"}]'),
  ('/orders?select=category,x:code.max()&x=fts(simple).e', '[{"category":"cups","x":"e"}]'),
  ('/orders?select=category,x:count()::text&x=like.3*', '[{"category":"tea","x":"3"}]'),
  ('/orders?select=category,x:amount::text.max()&x=eq.6', '[{"category":"pots","x":"6"}]'),
  ('/orders?select=category,x:data->>k::int.sum()&x=eq.4', '[{"category":"tea","x":4}]'),
  ('/orders?select=category,x:data->>k.max()&x=like.2&order=category', '[{"category":"cups","x":"2"},{"category":"pots","x":"2"},{"category":"tea","x":"2"}]'),
  -- Without an alias a result is called as its function.
  ('/orders?select=category,count()&count=gt.2', '[{"category":"tea","count":3}]'),
  ('/orders?select=category,amount.sum()&sum=gt.6', '[{"category":"tea","sum":7}]'),
  ('/orders?select=category,amount.count()&count=eq.1&order=category', '[{"category":"cups","count":1},{"category":"pots","count":1}]'),
  -- Logic trees.
  ('/orders?select=category,n:count(),total:amount.sum()&and=(n.gt.1,total.lt.5)', '[{"category":"cups","n":2,"total":3}]'),
  ('/orders?select=category,n:count()&or=(n.gt.2,category.eq.pots)&order=category', '[{"category":"pots","n":1},{"category":"tea","n":3}]'),
  ('/orders?select=category,n:count()&not.or=(n.gt.2,category.eq.pots)', '[{"category":"cups","n":2}]'),
  ('/orders?select=category,n:count()&and=(n.gt.1,or(category.eq.tea,n.eq.2),amount.gte.2)', '[{"category":"tea","n":2}]'),
  ('/orders?select=category,n:count()&or=(and(n.gt.2,category.eq.tea),n.not.gt.1)&order=category', '[{"category":"pots","n":1},{"category":"tea","n":3}]'),
  ('/orders?select=category,code,n:count()&or=(n.gt.2,code.like.d*)', '[{"category":"tea","code":"d*","n":1}]'),
  ('/orders?select=shout,n:count()&or=(n.gt.2,shout.eq.POTS)&order=n', '[{"shout":"POTS","n":1},{"shout":"TEA","n":3}]'),
  ('/orders?select=data->>k,n:count()&or=(n.gt.2,data->>k.eq.1)&order=n', '[{"k":"1","n":2},{"k":"2","n":3}]'),
  ('/orders?select=id,n:count()&or=(n.gt.2,category.eq.pots)', '[{"id":6,"n":1}]'),
  ('/orders?select=id::text,n:count()&or=(n.gt.2,id.eq.6)', '[{"id":"6","n":1}]'),
  -- Orders.
  ('/orders?select=category,n:count()&order=n.desc', '[{"category":"tea","n":3},{"category":"cups","n":2},{"category":"pots","n":1}]'),
  ('/orders?select=category,total:amount.sum()&order=total', '[{"category":"cups","total":3},{"category":"pots","total":6},{"category":"tea","total":7}]'),
  ('/orders?select=size,total:amount.count()&order=total.desc,size.asc.nullsfirst', '[{"size":"small","total":2},{"size":"large","total":2},{"size":null,"total":1}]'),
  ('/orders?select=category,n:count()&order=n.desc&limit=1&offset=1', '[{"category":"cups","n":2}]'),
  ('/orders?select=category,amount.max()&order=max.desc.nullslast&limit=1', '[{"category":"pots","max":6}]'),
  -- By count it is by the number of rows, as in PostgREST, whatever is called so.
  ('/orders?select=category,count()&order=count.desc&limit=1', '[{"category":"tea","count":3}]'),
  ('/orders?select=category,count:amount.min()&order=count&limit=1', '[{"category":"pots","count":6}]'),
  ('/orders?select=category,amount.sum()&order=count.desc&limit=1', '[{"category":"tea","sum":7}]'),
  -- distinct.
  ('/orders?select=category,n:customer_id.count(distinct)&order=n.desc,category', '[{"category":"cups","n":2},{"category":"tea","n":2},{"category":"pots","n":1}]'),
  ('/orders?select=size.count(distinct),data->>k.count(distinct)::text', '[{"count":2,"count":"2"}]'),
  ('/orders?select=x:data->>k::int.sum(distinct),y:category.max(distinct)', '[{"x":3,"y":"tea"}]'),
  ('/orders?select=category,n:customer_id.count(distinct)&n=lt.2', '[{"category":"pots","n":1}]'),
  ('/customers?select=distinct(),country&order=country', '[{"country":"DE"},{"country":"FR"},{"country":null}]'),
  ('/customers?select=country,distinct()&country=not.is.null&order=country.desc&limit=1', '[{"country":"FR"}]'),
  ('/customers?select=distinct()&id=lt.2', '[{"id":1,"name":"Ann","country":"DE"}]'),
  ('/customers?select=distinct(),country,n:count()&n=gt.1', '[{"country":"DE","n":2}]'),
  ('/orders?select=distinct(),...customers(country)&order=customers(country)', '[{"country":"DE"},{"country":"FR"}]'),
  ('/orders?select=distinct(),customers(country)&category=eq.pots', '[{"customers":{"country": "DE"}}]'),
  -- What a row has is that, as in PostgREST.
  ('/counts?select=kind,n:count()&n=eq.2', '[{"kind":"b","n":1}]'),
  ('/counts?select=kind,count()&count=gt.6', '[{"kind":"b","count":1}]'),
  ('/customers?select=country,total:count()&total=eq.7&country=eq.DE', '[{"country":"DE","total":2}]'),
  ('/orders?select=category,tableoid:count()&tableoid=eq.2', '[]'),
  ('/rpc/lots?lowest=4&select=total:category.max()&total=eq.7', '[{"total":"tea"}]'),
  -- Embeds, spreads.
  ('/customers?select=name,orders(category,n:count())&orders.n=gt.1&order=id', '[{"name":"Ann","orders":[{"category":"tea","n":2}]},{"name":"Bo","orders":[]},{"name":"Cy","orders":[]},{"name":"Di","orders":[]}]'),
  ('/customers?select=name,orders(category,n:count())&orders.order=n.desc&id=eq.1', '[{"name":"Ann","orders":[{"category":"tea","n":2},{"category":"cups","n":1}]}]'),
  ('/customers?select=name,o:orders(category,n:count())&o.order=n.desc&o.limit=1&id=eq.1', '[{"name":"Ann","o":[{"category":"tea","n":2}]}]'),
  ('/customers?select=name,orders!inner(n:count())&orders.n=gt.1&order=id', '[{"name":"Ann","orders":[{"n":3}]},{"name":"Bo","orders":[{"n":2}]}]'),
  ('/customers?select=name,orders(category,n:count())&orders.or=(n.gt.1,category.eq.pots)&orders=not.is.null&order=id', '[{"name":"Ann","orders":[{"category":"tea","n":2}]},{"name":"Cy","orders":[{"category":"pots","n":1}]}]'),
  ('/customers?select=name,orders(n:count())&orders.n=gt.0&orders=is.null', '[{"name":"Di","orders":[]}]'),
  ('/customers?select=id,orders!inner(n:count())&orders.n=gt.1&orders.offset=1', '[]'),
  ('/customers?select=name,orders(distinct(),category)&orders.order=category&id=lt.3&order=id', '[{"name":"Ann","orders":[{"category":"cups"},{"category":"tea"}]},{"name":"Bo","orders":[{"category":"cups"},{"category":"tea"}]}]'),
  ('/customers?select=name,orders(customer_id.count(distinct))&id=gt.2&order=id', '[{"name":"Cy","orders":[{"count":1}]},{"name":"Di","orders":[{"count":0}]}]'),
  ('/orders?select=...customers(country),n:count()&n=gt.1&order=n', '[{"n":2,"country":"FR"},{"n":4,"country":"DE"}]'),
  ('/orders?select=category,...customers(n:country.count(distinct))&n=gt.1&order=category', '[{"category":"cups","n":2},{"category":"tea","n":2}]'),
  ('/orders?select=customers(country),n:count()&n=gt.2', '[{"n":4,"customers":{"country": "DE"}}]'),
  ('/counts?select=kind,distinct(id)&id=eq.1', '[{"kind":"a","distinct":[{"id":1},{"id":2}]}]'),
  ('/counts?select=n,distinct()&order=id', '[{"n":1},{"n":1},{"n":2}]'),
  -- Views, partitions, functions.
  ('/big?select=category,n:count()&n=eq.1&order=category', '[{"category":"cups","n":1},{"category":"pots","n":1},{"category":"tea","n":1}]'),
  ('/parted?select=kind,n:amount.sum()&n=eq.3&order=n,kind', '[{"kind":"a","n":3},{"kind":"b","n":3}]'),
  ('/rpc/orders_of?customer=1&select=category,n:count()&n=gt.1', '[{"category":"tea","n":2}]'),
  ('/rpc/lots?lowest=0&select=x:total.sum()&x=gt.15', '[{"x":16}]'),
  ('/rpc/lots?lowest=0&select=*,n:count()&n=gt.1', '[{"n":3}]'),
  ('/rpc/lots?lowest=0&select=distinct(),category&order=category', '[{"category":"cups"},{"category":"pots"},{"category":"tea"}]'),
  ('/rpc/lots?lowest=0&select=category,n:count()&or=(n.gt.1,category.eq.tea)', '[{"category":"tea","n":1}]')
) as cases(target, wanted);

-- Refused, each as PostgREST refuses it or by a code that PostgreSQL has for it.
select is(testing.failed('GET', target), wanted, target)
from (values
  ('/orders?select=category,n:count()&x=gt.1', '400 42703'), ('/orders?select=category,n:count()&order=x', '400 42703'),
  ('/orders?select=category,n:count()&n->>x=eq.1', '400 42703'), ('/orders?select=category,n:count()&order=n->x', '400 42703'),
  ('/orders?select=category,kind:category&kind=eq.tea', '400 42703'), ('/orders?select=category&n=gt.1', '400 42703'),
  ('/orders?select=category,n:count()&or=(n.gt.1,amount.gt.1)', '400 42803'), ('/orders?select=n:count()&or=(n.gt.1,category.eq.tea)', '400 42803'),
  ('/orders?select=category,n:count()&or=(n.gt.1,x.gt.1)', '400 42703'), ('/orders?select=category,n:count()&order=amount', '400 42803'),
  ('/orders?select=category,n:count(),customers(id)&or=(n.gt.1,customers.is.null)', '400 42803'),
  ('/orders?select=category,amount.sum(),price.sum()&sum=gt.1', '400 42702'), ('/orders?select=category,n:amount.sum(),n:count()&order=n', '400 42702'),
  ('/orders?select=category,n:count()&n=eq.x', '400 22P02'), ('/orders?select=category,n:count()&n=like.x', '404 42883'),
  ('/orders?select=category,n:count()&n=xx.1', '400 PGRST100'), ('/orders?select=category,n:count()&and=(n.gt.1', '400 PGRST100'),
  ('/orders?select=count(distinct)', '400 PGRST100'), ('/orders?select=id.count(distinct', '400 PGRST100'), ('/orders?select=id.count(all)', '400 PGRST100'),
  ('/orders?select=id.count( distinct)', '400 PGRST100'), ('/orders?select=id.first(distinct)', '400 PGRST100'),
  ('/orders?select=note.count(distinct)', '404 42883'), ('/customers?select=distinct(id)', '400 PGRST200'), ('/customers?select=x:distinct(),id', '400 PGRST200'),
  ('/customers?select=distinct!inner(),id', '400 PGRST200'), ('/orders?select=...customers(distinct(),country)', '400 PGRST127'),
  ('/customers?select=...orders(id.count(distinct))', '400 PGRST127'), ('/rpc/lots?lowest=0&select=distinct()', '400 PGRST127'),
  ('/customers?select=distinct(),country&order=name', '400 42803'), ('/customers?select=name,orders(n:count())&n=gt.1', '400 42703'),
  ('/orders?select=category,...customers(n:country.count())&customers.n=gt.1', '400 42703'),
  ('/secrets?select=owner,n:hidden.sum()&n=gt.1', '403 42501'), ('/secrets?select=distinct()', '403 42501')
) as cases(target, wanted), set_config('role', 'store_anon', true) as role;
reset role;

-- How many there are: groups, where the request is none of PostgREST's, else the rows that are grouped.
select is(a.status || ' ' || (a.headers ->> 'content-range'), wanted, target || ' ' || given)
from (values
  ('/orders?select=category,n:count()&n=gt.1&limit=1', '{"prefer": "count=exact"}'::jsonb, '206 0-0/2'),
  ('/orders?select=category,n:count()&n=gt.1', '{"prefer": "count=exact"}', '200 0-1/2'),
  ('/orders?select=category,n:count()&order=n.desc', '{"prefer": "count=exact", "range": "1-1"}', '206 1-1/3'),
  ('/orders?select=category,n:count()&n=gt.1&offset=5', '{"prefer": "count=exact"}', '416 */2'),
  ('/orders?select=category,n:count()&n=gt.9', '{"prefer": "count=exact"}', '200 */0'),
  ('/orders?select=category,n:id.count(distinct)&limit=1', '{"prefer": "count=exact"}', '206 0-0/3'),
  ('/orders?select=n:id.count(distinct)&offset=0', '{"prefer": "count=exact"}', '200 0-0/1'),
  ('/orders?select=n:count()&order=n&limit=5', '{"prefer": "count=exact"}', '200 0-0/1'),
  ('/customers?select=distinct(),country&limit=2', '{"prefer": "count=exact"}', '206 0-1/3'),
  ('/customers?select=id,orders!inner(n:count())&orders.n=gt.1&limit=1', '{"prefer": "count=exact"}', '206 0-0/2'),
  ('/rpc/lots?lowest=0&select=category,n:count()&n=gt.0&limit=1', '{"prefer": "count=exact"}', '206 0-0/3'),
  ('/orders?select=category,n:count()&order=category&limit=2', '{"prefer": "count=exact"}', '206 0-1/6'),
  ('/orders?select=category,count()&order=count&limit=2', '{"prefer": "count=exact"}', '206 0-1/6')
) as cases(target, given, wanted), testing.answer('GET', target, given) as a;
select matches((testing.answer('GET', '/orders?select=category,n:count()&n=gt.1&limit=1', '{"prefer": "count=planned"}')).headers ->> 'content-range', '^0-0/[0-9]+$', 'planned');

-- The condition is HAVING, and what is of rows is found before they are grouped.
select matches(testing.get('/orders?select=category,n:count()&and=(n.gt.1,id.eq.3)', '{"accept": "application/vnd.pgrst.plan"}'),
  'Filter: \(count\([^)]*\) > ''1''::bigint\)[^$]*Index Cond: \(id = 3\)', 'HAVING and an index');

-- Row security and rights.
select set_config('request.jwt.claims', '{"sub": "ann"}', true), set_config('role', 'store_anon', true);
select is(testing.get('/secrets?select=owner,n:count()&n=gt.0'), '200 [{"owner":"ann","n":2}]', 'row security');
select is(testing.get('/secrets?select=n:amount.sum()&n=gt.11'), '200 []', 'hidden rows are not summed');
reset role;

-- Values as parameters, with the types of the results.
select is((testing.answer('GET', replace(target, '#', value))).body, wanted, target)
from (values
  ('/orders?select=category,n:count()&n=gt.#', '2', '[{"category":"tea","n":3}]'),
  ('/orders?select=category,x:on_day.max()&x=in.#', '(2024-01-04)', '[{"category":"tea","x":"2024-01-04"}]')
) as cases(target, value, wanted);
select matches((postern.compile(testing.cut_request('GET', target, 1))).statement, wanted, target)
from (values
  ('/orders?select=category,n:count()&n=gt.%01', 'having pg_catalog.count\(pgrst_group.f2\$\) operator\(pg_catalog.>\) \$3'),
  ('/orders?select=category,n:amount.sum(distinct)::text&n=in.%01', 'having pg_catalog.sum\(distinct pgrst_group.f2\$\)::pg_catalog.text operator\(pg_catalog.=\) any\(\$3\)'),
  ('/orders?select=category,n:count()&or=(n.gt.%01,category.eq.a)', 'having \(pg_catalog.count\(pgrst_group.f2\$\) operator\(pg_catalog.>\) \$3 or ')
) as cases(target, wanted);

-- A write is chosen by columns alone; what is shown of it may have distinct.
select is(testing.failed('PATCH', '/orders?select=category,n:count()&n=gt.1', '{"prefer": "return=representation"}', '{"amount": 9}'), '400 42703', 'no HAVING chooses what is written');
select is(testing.failed('DELETE', '/orders?select=category,n:count()&or=(n.gt.1,id.eq.1)', '{"prefer": "return=representation"}'), '400 42703', 'nor in a logic tree');
select is(testing.failed('PATCH', '/orders?select=category,n:count()&order=n', '{"prefer": "return=representation"}', '{"amount": 9}'), '400 42703', 'nor is a write ordered');
select is(testing.brief('PATCH', '/orders?select=n:category.count(distinct)&id=lt.4', '{"prefer": "return=representation"}', '{"amount": 9}'), '200 [{"n":2}]', 'distinct of what was written');
select is(testing.brief('PATCH', '/customers?select=id,orders(category,n:count())&id=eq.1&orders.n=gt.1', '{"prefer": "return=representation"}', '{"name": "An"}'),
  '200 [{"id":1,"orders":[{"category":"tea","n":2}]}]', 'an embed of what was written');

select is(testing.brief('PATCH', '/customers?select=id,orders(n:count())&orders.n=gt.2&orders=not.is.null', '{"prefer": "return=representation"}', '{"name": "Anne"}'),
  '200 [{"id":1,"orders":[{"n":3}]}]', 'groups of an embed choose what is written as they choose what is shown');

-- All of it is off with aggregates.
select set_config('testing.settings', '{"db_schemas": ["sums"]}', true);
select is(testing.failed('GET', target), '400 PGRST123', target)
from unnest(array['/orders?select=category,n:count()&n=gt.1', '/orders?select=category,id.count(distinct)', '/customers?select=distinct(),country',
  '/customers?select=id,orders(distinct(),category)', '/orders?select=category,n:count()&order=n']) as target;
select is(testing.get('/counts?select=id,distinct()&id=eq.1'), '200 [{"id":1}]', 'an embed that filters nothing is none of it');

select * from finish();
rollback;

-- Bounds of a request, each named in postern.limit_of: at the bound there is an answer, beyond it PGRST100. What is allowed takes time
-- in proportion to its length.
begin;
select no_plan();
select set_config('testing.settings', '{"db_schemas": ["store"], "db_aggregates_enabled": true}', true);
set local statement_timeout = '60s';

select is(testing.failed('GET', target), wanted, left(target, 60) || ' … of ' || length(target))
from (values
  ('/films?select=' || repeat('id,', 1599) || 'id', '200'),
  ('/films?select=' || repeat('id,', 1600) || 'id', '400 PGRST100'),
  ('/films?select=' || repeat('*,', 250) || 'id', '400 PGRST100'),
  ('/films?select=' || repeat('id,', 1598) || '...directors(id,name)', '200'),
  ('/films?select=' || repeat('id,', 1598) || '...directors(id,name,born)', '400 PGRST100'),
  ('/directors?select=' || repeat('id,', 1598) || 'films(id)&order=' || repeat('name,', 63) || 'id', '200'),
  ('/directors?order=' || repeat('name,', 64) || 'id', '400 PGRST100'),
  ('/directors?select=' || repeat('films(directors(', 16) || 'id' || repeat('))', 16) || '&id=eq.3', '200'),
  ('/directors?select=' || repeat('films(directors(', 16) || 'films(id)' || repeat('))', 16), '400 PGRST100'),
  ('/films?select=id&id=eq.1&meta' || repeat('->a', 63) || '->>a=is.null', '200'),
  ('/films?meta' || repeat('->a', 65) || '=is.null', '400 PGRST100'),
  ('/films?select=id&or=' || repeat('(and', 63) || '(id.eq.1)' || repeat(')', 63), '200'),
  ('/films?select=id&or=' || repeat('(and', 64) || '(id.eq.1)' || repeat(')', 64), '400 PGRST100'),
  ('/films?select=id' || repeat('&id=eq.1', 4095), '200'),
  ('/films?select=id' || repeat('&id=eq.1', 4096), '400 PGRST100'),
  ('/films?select=id&or=(id.eq.1' || repeat(',id.eq.2', 8000) || ')', '200'),
  ('/films?select=id&or=(id.in.(1' || repeat(',2', 100000) || '))', '200'),
  ('/films?select=id&id=in.(1' || repeat(',2', 100000) || ')', '200')
) as cases(target, wanted);

select * from finish();
rollback;

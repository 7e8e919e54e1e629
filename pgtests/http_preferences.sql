-- The Prefer header.
begin;
select no_plan();

select is(postern.preferences(prefer, true), wanted::jsonb, coalesce(prefer, 'no header'))
from (values
  (null, '{"invalid": []}'),
  ('', '{"invalid": []}'),
  ('return=representation', '{"return": "representation", "invalid": []}'),
  (' return=minimal ,count=exact', '{"return": "minimal", "count": "exact", "invalid": []}'),
  ('return=minimal, return=representation', '{"return": "minimal", "invalid": []}'),
  ('return=everything', '{"invalid": ["return=everything"]}'),
  ('RETURN=minimal', '{"invalid": ["RETURN=minimal"]}'),
  ('anything', '{"invalid": ["anything"]}'),
  ('a=b, handling=strict, c', '{"handling": "strict", "invalid": ["a=b", "c"]}'),
  ('timezone=America/Los_Angeles', '{"timezone": "America/Los_Angeles", "invalid": []}'),
  ('max-affected=10', '{"max-affected": "10", "invalid": []}'),
  ('max-affected=many', '{"invalid": []}'),
  ('tx=rollback', '{"tx": "rollback", "invalid": []}'),
  ('resolution=merge-duplicates, missing=default', '{"resolution": "merge-duplicates", "missing": "default", "invalid": []}'),
  ('read=primary, read=standby', '{"read": "primary", "invalid": ["read=standby"]}'),
  (',,', '{"invalid": []}')
) as cases(prefer, wanted);
select is(postern.preferences('tx=rollback, count=exact', false), '{"count": "exact", "invalid": []}', 'tx where it may not be chosen');

select is(postern.applied_preferences(postern.preferences(prefer, true), '{return,count,handling,max-affected,tx}'), wanted, prefer)
from (values
  ('', null), ('foo=bar', null), ('count=exact, return=minimal', 'return=minimal, count=exact'), ('resolution=merge-duplicates', null),
  ('max-affected=3', null), ('max-affected=3, handling=strict', 'handling=strict, max-affected=3'), ('tx=commit', 'tx=commit')
) as cases(prefer, wanted);

select is(testing.failure($$ select postern.check_preferences(postern.preferences('foo=bar, handling=strict', true)) $$), 'PGRST122', 'strict');
select is(testing.failure($$ select postern.check_preferences(postern.preferences('foo=bar, handling=lenient', true)) $$), null, 'lenient');
select is(testing.failure($$ select postern.check_preferences(postern.preferences('foo=bar', true)) $$), null, 'neither');

select * from finish();
rollback;

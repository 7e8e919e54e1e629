begin;
select no_plan();

select is(postern.parse_cursor(input), wanted::jsonb, 'cursor=' || input)
from (values
  ('first', '{"way":"first"}'),
  ('after.abc', '{"way":"after","value":"abc"}'),
  ('before.abc', '{"way":"before","value":"abc"}'),
  ('after.010~abc', '{"way":"after","nulls":"010","value":"abc"}'),
  ('before.1~', '{"way":"before","nulls":"1","value":""}'),
  ('after.', '{"way":"after","value":""}'),
  ('after.012~abc', '{"way":"after","value":"012~abc"}'),
  ('after.~abc', '{"way":"after","value":"~abc"}'),
  ('after.1~0~a', '{"way":"after","nulls":"1","value":"0~a"}'),
  ('after.' || repeat('1', 65) || '~', '{"way":"after","value":"' || repeat('1', 65) || '~"}'),
  (E'after.a\nb', '{"way":"after","value":"a\nb"}'),
  ('', '{}'), ('firstx', '{}'), ('First', '{}'), ('first.', '{}'), ('after', '{}'), ('last', '{}'), ('eq.5', '{}'), ('not.after.x', '{}')
) as cases (input, wanted);
select is(postern.parse_cursor(null), null, 'null in, null out');
select is(testing.failure('select postern.foreign_cursor()'), 'PGRST158', 'a token of another order');

select * from finish();
rollback;

begin;
select no_plan();

-- Keys.
select is(postern.parse_logic_key(input), wanted::jsonb, 'key ' || input)
from (values
  ('and', '{"embed":[],"not":false,"operator":"and"}'),
  ('or', '{"embed":[],"not":false,"operator":"or"}'),
  ('not.or', '{"embed":[],"not":true,"operator":"or"}'),
  ('a.and', '{"embed":["a"],"not":false,"operator":"and"}'),
  ('a.b.not.or', '{"embed":["a","b"],"not":true,"operator":"or"}'),
  ('not.a.or', '{"embed":["a"],"not":true,"operator":"or"}'),
  ('"a.b".or', '{"embed":["a.b"],"not":false,"operator":"or"}')
) as good (input, wanted);
select throws_ok(format('select postern.parse_logic_key(%L)', input), 'PNERR', null, 'key ' || input)
from unnest(array['', 'a', 'not', 'xor', '.or', 'a..or', 'or.a', 'AND', '"or', 'a!b.or', E'\x01.or', '%.or']) as input;

-- Trees of one condition.
select is(
  postern.parse_logic('or', false, input),
  jsonb_build_object('operator', 'or', 'not', false, 'of', jsonb_build_array(wanted::jsonb)),
  'or=' || input)
from (values
  ('(a.eq.1)', '{"name":"a","expr":{"operator":"eq","value":"1"}}'),
  (' ( a.eq.1)', '{"name":"a","expr":{"operator":"eq","value":"1"}}'),
  ('(a.eq.1)x', '{"name":"a","expr":{"operator":"eq","value":"1"}}'),
  ('(a.eq.1))', '{"name":"a","expr":{"operator":"eq","value":"1"}}'),
  ('(a .eq.1 )', '{"name":"a","expr":{"operator":"eq","value":"1 "}}'),
  ('(a.eq.)', '{"name":"a","expr":{"operator":"eq","value":""}}'),
  ('(a.eq.b.c:d)', '{"name":"a","expr":{"operator":"eq","value":"b.c:d"}}'),
  ('(a.eq.(b)', '{"name":"a","expr":{"operator":"eq","value":"(b"}}'),
  ('(a.not.eq.1)', '{"name":"a","expr":{"not":true,"operator":"eq","value":"1"}}'),
  ('(not.eq.1)', '{"name":"not","expr":{"operator":"eq","value":"1"}}'),
  ('(and.eq.1)', '{"name":"and","expr":{"operator":"eq","value":"1"}}'),
  ('(or.not.eq.1)', '{"name":"or","expr":{"not":true,"operator":"eq","value":"1"}}'),
  ('(ord.eq.1)', '{"name":"ord","expr":{"operator":"eq","value":"1"}}'),
  ('("a.b".eq.1)', '{"name":"a.b","expr":{"operator":"eq","value":"1"}}'),
  ('(data->a->>-1.eq.x)', '{"name":"data","path":[{"op":"->","key":"a"},{"op":"->>","index":-1}],"expr":{"operator":"eq","value":"x"}}'),
  ('(a.eq."b,c)")', '{"name":"a","expr":{"operator":"eq","value":"b,c)"}}'),
  (E'(a.eq."b\\"\\\\c")', E'{"name":"a","expr":{"operator":"eq","value":"b\\"\\\\c"}}'),
  ('(a.eq."")', '{"name":"a","expr":{"operator":"eq","value":""}}'),
  ('(a.eq."b"c)', '{"name":"a","expr":{"operator":"eq","value":"\"b\"c"}}'),
  ('(a.eq."b)', '{"name":"a","expr":{"operator":"eq","value":"\"b"}}'),
  ('(a.eq.b"c)', '{"name":"a","expr":{"operator":"eq","value":"b\"c"}}'),
  ('(a.cs.{1,2})', '{"name":"a","expr":{"operator":"cs","value":"{1,2}"}}'),
  ('(a.cs.{})', '{"name":"a","expr":{"operator":"cs","value":"{}"}}'),
  ('(a.cs.{"b)",c})', '{"name":"a","expr":{"operator":"cs","value":"{\"b)\",c}"}}'),
  ('(a.cs.{1)', '{"name":"a","expr":{"operator":"cs","value":"{1"}}'),
  ('(a.like(any).{O*,P*})', '{"name":"a","expr":{"operator":"like","quantifier":"any","value":"{O*,P*}"}}'),
  ('(a.fts(english).cat & dog)', '{"name":"a","expr":{"operator":"fts","language":"english","value":"cat & dog"}}'),
  ('(a.adj."[18,21)")', '{"name":"a","expr":{"operator":"adj","value":"[18,21)"}}'),
  ('(a.is.NULL)', '{"name":"a","expr":{"operator":"is","value":"null"}}'),
  ('(a.not.is.not_null )', '{"name":"a","expr":{"not":true,"operator":"is","value":"not_null"}}'),
  ('(a.in.(1,2))', '{"name":"a","expr":{"operator":"in","value":"(1,2)"}}'),
  ('(a.in.())', '{"name":"a","expr":{"operator":"in","value":"()"}}'),
  ('(a.in. ( 1, 2 ) )', '{"name":"a","expr":{"operator":"in","value":"( 1, 2 )"}}'),
  ('(a.in.("1,)","2"))', '{"name":"a","expr":{"operator":"in","value":"(\"1,)\",\"2\")"}}'),
  (E'(a.in.("\\"),",b))', E'{"name":"a","expr":{"operator":"in","value":"(\\"\\\\\\"),\\",b)"}}'),
  ('(a.in.("b"c,d))', '{"name":"a","expr":{"operator":"in","value":"(\"b\"c,d)"}}'),
  (E'(a.eq.\x01)', E'{"name":"a","expr":{"operator":"eq","value":"\\u0001"}}'),
  (E'(a.in.\x01)', E'{"name":"a","expr":{"operator":"in","value":"\\u0001"}}'),
  (E'(a.not.cs.\x01)', E'{"name":"a","expr":{"not":true,"operator":"cs","value":"\\u0001"}}'),
  ('(نام.eq.علی)', '{"name":"نام","expr":{"operator":"eq","value":"علی"}}'),
  ('(a.eq.100%)', '{"name":"a","expr":{"operator":"eq","value":"100%"}}')
) as good (input, wanted);

-- Larger trees.
select is(postern.parse_logic(operator, negated, input), wanted::jsonb, input)
from (values
  ('and', true, '(a.eq.1,b.eq.2)',
   '{"operator":"and","not":true,"of":[{"name":"a","expr":{"operator":"eq","value":"1"}},{"name":"b","expr":{"operator":"eq","value":"2"}}]}'),
  ('and', false, E'(a.eq.\x01,not.and(b.is.null,c.in.\x01))',
   E'{"operator":"and","not":false,"of":[{"name":"a","expr":{"operator":"eq","value":"\\u0001"}},{"operator":"and","not":true,"of":[{"name":"b","expr":{"operator":"is","value":"null"}},{"name":"c","expr":{"operator":"in","value":"\\u0001"}}]}]}'),
  ('and', false, '( and ( id.in.( 1, 2, 3 ) , id.eq.3 ) , or ( id.eq.2 , id.eq.3 ) )',
   '{"operator":"and","not":false,"of":[{"operator":"and","not":false,"of":[{"name":"id","expr":{"operator":"in","value":"( 1, 2, 3 )"}},{"name":"id","expr":{"operator":"eq","value":"3 "}}]},{"operator":"or","not":false,"of":[{"name":"id","expr":{"operator":"eq","value":"2 "}},{"name":"id","expr":{"operator":"eq","value":"3 "}}]}]}'),
  ('or', false, '(a.in.("x,"),b.in.(",y"))',
   '{"operator":"or","not":false,"of":[{"name":"a","expr":{"operator":"in","value":"(\"x,\")"}},{"name":"b","expr":{"operator":"in","value":"(\",y\")"}}]}'),
  ('or', false, '(a.eq.x"y,b.eq.z"w)',
   '{"operator":"or","not":false,"of":[{"name":"a","expr":{"operator":"eq","value":"x\"y"}},{"name":"b","expr":{"operator":"eq","value":"z\"w"}}]}'),
  ('or', false, '(or(or(a.eq.1)),not.or(b.eq.2))',
   '{"operator":"or","not":false,"of":[{"operator":"or","not":false,"of":[{"operator":"or","not":false,"of":[{"name":"a","expr":{"operator":"eq","value":"1"}}]}]},{"operator":"or","not":true,"of":[{"name":"b","expr":{"operator":"eq","value":"2"}}]}]}')
) as good (operator, negated, input, wanted);

-- Refusals, each at its position.
select throws_ok(
  format('select postern.parse_logic(%L, false, %L)', 'or', input),
  'PNERR',
  format('Cannot read the logic (line 1, column %s)', place),
  'or=' || input)
from (values
  ('', 1), (')(', 1), ('a.eq.1', 1), ('.eq.1', 1), ('()', 2), ('(', 2), ('( )', 3), ('(,)', 2), ('(a.eq.1,)', 9), ('(a.eq.1', 8),
  ('(a.eq.1,b', 10), ('(a)', 3), ('(a.)', 4), ('(a.eq)', 6), ('(a.noop.1)', 4), ('(a.eq().1)', 7), ('(a.not)', 4), ('(.eq.1)', 2),
  ('(id.in.1,2,id.eq.3)', 8), ('(id.in.(1,2)', 13), ('(id.in.(1,2', 12), ('(id.in.(1)x)', 11), ('(id.in.("1,2)', 14), ('(id.in.("1)"', 13),
  ('(a.is.nullx)', 7), ('(a.is.null x)', 7), ('(a.is.)', 7), (E'(a.is.\x01)', 7), ('(a.cs.{1}x)', 10), ('(a.cs.{1,{2}})', 10),
  ('(ord(id.eq.1,id.eq.1),id.eq.2)', 5), ('(id.eq.1,not.xor(id.eq.2,id.eq.3))', 14), ('(not.and.eq.1)', 6), ('(and())', 6),
  ('(or(a.eq.1)', 12), ('(a->.eq.1)', 5), (E'(\x01.eq.1)', 2), (E'(a.\x01.1)', 4), (E'(a.eq.x\x01)', 7), (E'(a.eq."x\x01,")', 7),
  (E'(a.in.(\x01))', 7), (E'(a.in.\x01\x01)', 7), (E'(a.eq.\x02)', 7), (E'(a.\neq.1)', 4), ('(a.eq.1;b.eq.2', 15), ('(a(b).eq.1)', 3), ('(%.eq.1)', 2),
  ('(a.b.eq.1)', 4)
) as bad (input, place);
select throws_ok('select postern.parse_logic(''xor'', false, ''(a.eq.1)'')', 'PNERR', null, 'xor is no operator');

-- Limits.
select isnt(
  postern.parse_logic('or', false, '(' || repeat('and(', 63) || 'a.eq.1' || repeat(')', 64)), null, '64 levels');
select throws_ok(
  format('select postern.parse_logic(%L, false, %L)', 'or', '(' || repeat('and(', depth - 1) || 'a.eq.1' || repeat(')', depth)),
  'PNERR', null, depth || ' levels')
from unnest(array[65, 1000, 60000]) as depth;
select is(
  jsonb_array_length(postern.parse_logic('or', false, '(' || repeat('a.eq.1,', 15000) || 'a.eq.1)') -> 'of'), 15001, '15,001 conditions');
select is(
  length(postern.parse_logic('or', false, '(a.eq."' || repeat('),', 100000) || '")') #>> '{of,0,expr,value}'), 200000, 'a long value');
select throws_ok(
  format('select postern.parse_logic(%L, false, %L)', 'or', '(a.eq.' || repeat('x', 262144)), 'PNERR', 'Cannot read the logic (longer than 262144 characters)', 'beyond the limit');
select throws_ok(
  format('select postern.parse_logic(%L, false, %L)', 'or', '(' || repeat(piece, 100000 / length(piece))), 'PNERR', null, '100,000 characters of ' || piece)
from unnest(array['(', ')', ',', '"', E'\\', '.', 'a.', 'not.', 'or(', 'a.eq.",', 'a.cs.{,', 'a.in.(', 'a.in.("', E'\x01', ' ', E'\t']) as piece;

select is(postern.parse_logic_key(null), null, 'a null key');
select is(postern.parse_logic('or', false, null), null, 'a null text');
select * from finish();
rollback;

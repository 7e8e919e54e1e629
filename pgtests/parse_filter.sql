begin;
select no_plan();

-- Keys.
select is(postern.parse_filter_key(input), wanted::jsonb, 'key ' || input)
from (values
  ('id', '{"embed":[],"name":"id"}'),
  (' id ', '{"embed":[],"name":"id"}'),
  ('a.b.c', '{"embed":["a","b"],"name":"c"}'),
  ('a.b.c->>x', '{"embed":["a","b"],"name":"c","path":[{"op":"->>","key":"x"}]}'),
  ('data->a->0->>b', '{"embed":[],"name":"data","path":[{"op":"->","key":"a"},{"op":"->","index":0},{"op":"->>","key":"b"}]}'),
  ('data->-1->>b', '{"embed":[],"name":"data","path":[{"op":"->","index":-1},{"op":"->>","key":"b"}]}'),
  ('"information.cpe"', '{"embed":[],"name":"information.cpe"}'),
  ('"a.b"."c"', '{"embed":["a.b"],"name":"c"}'),
  ('"*id*"', '{"embed":[],"name":"*id*"}'),
  ('Unit Price', '{"embed":[],"name":"Unit Price"}'),
  ('kebab-case', '{"embed":[],"name":"kebab-case"}'),
  ('موارد.عنوان', '{"embed":["موارد"],"name":"عنوان"}'),
  ('not', '{"embed":[],"name":"not"}'),
  ('id::text', '{"embed":[],"name":"id"}'),
  ('id)', '{"embed":[],"name":"id"}'),
  ('data->a.b', '{"embed":[],"name":"data","path":[{"op":"->","key":"a"}]}')
) as good (input, wanted);

select throws_ok(
  format('select postern.parse_filter_key(%L)', input),
  'PNERR',
  format('Cannot read the filter key (line 1, column %s)', place),
  'key ' || input)
from (values
  ('', 1), (' ', 1), ('.', 1), ('.a', 1), ('a.', 3), ('a..b', 3), ('*', 1), ('(', 1), ('"a', 3), ('""', 2), ('a-', 3),
  ('a->', 4), ('a->>', 5), ('a->>-x', 6), ('%s', 1), (E'\x01', 1), (E'a.\x01', 3), (E'a\nb', 2), (E'"a\x02b"', 3)
) as bad (input, place);

select is(jsonb_array_length(postern.parse_filter_key(repeat('a.', 5000) || 'b') -> 'embed'), 5000, 'a long key');
select throws_ok(
  format('select postern.parse_filter_key(%L)', repeat('a', 16385)), 'PNERR', 'Cannot read the filter key (longer than 16384 characters)', 'beyond the limit');

-- Operators and values.
select is(postern.parse_op_expr(input), wanted::jsonb, 'filter ' || input)
from (values
  ('eq.1', '{"operator":"eq","value":"1"}'),
  ('eq.', '{"operator":"eq","value":""}'),
  ('eq.a.b,c(d)"e', '{"operator":"eq","value":"a.b,c(d)\"e"}'),
  (E'eq.a\nb\x02', E'{"operator":"eq","value":"a\\nb\\u0002"}'),
  ('eq. 1 ', '{"operator":"eq","value":" 1 "}'),
  ('eq.eq.1', '{"operator":"eq","value":"eq.1"}'),
  ('eq.not.eq.1', '{"operator":"eq","value":"not.eq.1"}'),
  ('eq."1"', '{"operator":"eq","value":"\"1\""}'),
  ('eq.100%', '{"operator":"eq","value":"100%"}'),
  ('eq.موارد', '{"operator":"eq","value":"موارد"}'),
  ('not.eq.1', '{"not":true,"operator":"eq","value":"1"}'),
  ('eq(any).{1,2}', '{"operator":"eq","quantifier":"any","value":"{1,2}"}'),
  ('eq(all).value', '{"operator":"eq","quantifier":"all","value":"value"}'),
  ('not.like(any).{O*,P*}', '{"not":true,"operator":"like","quantifier":"any","value":"{O*,P*}"}'),
  ('fts.cat', '{"operator":"fts","value":"cat"}'),
  ('fts(english).cat', '{"operator":"fts","language":"english","value":"cat"}'),
  ('plfts( french ).a', '{"operator":"plfts","language":"french","value":"a"}'),
  ('not.phfts(simple).The Fat Cats', '{"not":true,"operator":"phfts","language":"simple","value":"The Fat Cats"}'),
  ('wfts(français).a', '{"operator":"wfts","language":"français","value":"a"}'),
  ('isdistinct.', '{"operator":"isdistinct","value":""}'),
  ('not.isdistinct.x', '{"not":true,"operator":"isdistinct","value":"x"}'),
  ('is.null', '{"operator":"is","value":"null"}'),
  ('is.NULL', '{"operator":"is","value":"null"}'),
  ('is.NoT_NuLl', '{"operator":"is","value":"not_null"}'),
  ('is.TRUE', '{"operator":"is","value":"true"}'),
  ('is.FAlSe', '{"operator":"is","value":"false"}'),
  ('not.is.UnKnOwN', '{"not":true,"operator":"is","value":"unknown"}'),
  ('is.nullable', '{"operator":"is","value":"null"}'),
  ('in.(1,2)', '{"operator":"in","value":"(1,2)"}'),
  ('in. ("a,b",c)', '{"operator":"in","value":" (\"a,b\",c)"}'),
  ('in.()', '{"operator":"in","value":"()"}'),
  ('not.in.(1)', '{"not":true,"operator":"in","value":"(1)"}'),
  (E'eq.\x01', E'{"operator":"eq","value":"\\u0001"}'),
  (E'in.\x01', E'{"operator":"in","value":"\\u0001"}'),
  (E'not.fts(english).\x01', E'{"not":true,"operator":"fts","language":"english","value":"\\u0001"}')
) as good (input, wanted);

select is(
  postern.parse_op_expr(name || '.x'),
  jsonb_build_object('operator', name, 'value', 'x'),
  'operator ' || name)
from postern.operators()
where kind not in ('in', 'is');
select is(
  postern.parse_op_expr(name || '(any).x'),
  jsonb_build_object('operator', name, 'quantifier', 'any', 'value', 'x'),
  name || ' may be quantified')
from postern.operators()
where quantifiable;
select throws_ok(
  format('select postern.parse_op_expr(%L)', name || '(any).x'), 'PNERR', null, name || ' may not be quantified')
from postern.operators()
where not quantifiable and kind <> 'fts';
select set_eq(
  'select name from postern.operators() where quantifiable',
  array['eq', 'gt', 'gte', 'lt', 'lte', 'like', 'ilike', 'match', 'imatch'],
  'which operators any and all go with');

select throws_ok(
  format('select postern.parse_op_expr(%L)', input),
  'PNERR',
  format('Cannot read the filter (line 1, column %s)', place),
  'filter ' || input)
from (values
  ('', 1), ('0', 1), ('val', 1), ('.', 1), ('noop.0', 1), ('EQ.1', 1), (' eq.1', 1), ('eq', 3), ('eq .1', 1), ('not', 1), ('not.', 5),
  ('not.not.eq.1', 5), ('not.noop.1', 5), ('not.0', 5), ('eq()', 4), ('eq().value', 4), ('eq(some).value', 4), ('eq(any', 7),
  ('eq(any)', 8), ('eq(any)x.1', 8), ('eq(any)(all).1', 8), ('fts().value', 5), ('fts( ).value', 5), ('fts(a-b).value', 6),
  ('fts(english', 12), ('is().value', 3), ('in().value', 3), ('cs(any).1', 3), ('is.', 4), ('is.nil', 4), ('is.ok', 4),
  ('is.not null', 4), (E'is.\x01', 4), ('not.is.1', 8), ('in.', 4), ('in.1', 4), ('in.x(1)', 4), ('not.in.1,2', 8), ('%s.1', 1),
  (E'\x01', 1), (E'e\x02q.1', 2), (E'eq(\x01).1', 4)
) as bad (input, place);

select is(length(postern.parse_op_expr('eq.' || repeat('a.', 500000)) ->> 'value'), 1000000, 'a value of a million characters');
select throws_ok(
  format('select postern.parse_op_expr(%L)', repeat(piece, 100000)), 'PNERR', null, '100,000 times ' || piece)
from unnest(array['x', '.', '(', 'not.', 'eq(', E'\x01', '%', 'é']) as piece;
select throws_ok(
  format('select postern.parse_op_expr(%L)', 'fts(' || repeat('x', 100000) || ').a'), 'PNERR', null, 'a language without end');

select is(postern.parse_filter_key(null), null, 'a null key');
select is(postern.parse_op_expr(null), null, 'a null filter');
select * from finish();
rollback;

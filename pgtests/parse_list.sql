begin;
select no_plan();

-- columns= and on_conflict=.
select is(postern.parse_columns(input), wanted, 'columns=' || input)
from (values
  ('id', array['id']),
  ('id,name', array['id', 'name']),
  (' id , name ', array['id', 'name']),
  (E'id\t,\t"name"', array['id', 'name']),
  ('"a,b","c ""', array['a,b', 'c ']),
  ('unit price,kebab-case', array['unit price', 'kebab-case']),
  ('عنوان', array['عنوان']),
  ('id,id', array['id', 'id']),
  ('id.x,name', array['id']),
  ('id)', array['id'])
) as good (input, wanted);
select throws_ok(
  format('select postern.parse_columns(%L)', input),
  'PNERR',
  format('Cannot read the columns (line 1, column %s)', place),
  'columns=' || input)
from (values
  ('', 1), (' ', 1), (',', 1), ('id,', 4), ('id,,name', 4), ('*', 1), ('(id)', 1), ('"id', 4), ('""', 2), ('id,%s', 4),
  (E'\x01', 1), (E'id\n', 3), ('a-', 3)
) as bad (input, place);
select is(cardinality(postern.parse_columns(repeat('a,', 50000) || 'a')), 50001, '50,001 columns');
select throws_ok(format('select postern.parse_columns(%L)', repeat('a', 131073)), 'PNERR', 'Cannot read the columns (longer than 131072 characters)', 'beyond the limit');

-- Lists.
select is(postern.parse_list(input), wanted, 'in.' || input)
from (values
  ('(1,2,3)', array['1', '2', '3']),
  ('(1)', array['1']),
  ('()', array[]::text[]),
  ('( )', array[]::text[]),
  ('("")', array[]::text[]),
  ('(,)', array['', '']),
  ('(1,)', array['1', '']),
  ('("",1)', array['', '1']),
  (' ( a , b ) x', array['a ', ' b ']),
  ('(1,"a,b",3)', array['1', 'a,b', '3']),
  ('("a)b",c)', array['a)b', 'c']),
  ('("Hebdon,John","Williams,Mary")', array['Hebdon,John', 'Williams,Mary']),
  (E'("Quote:\\"","Backslash:\\\\")', array['Quote:"', E'Backslash:\\']),
  (E'("\\a\\,")', array['a,']),
  (E'(a\\b,c)', array[E'a\\b', 'c']),
  ('("a"b,c)', array['"a"b', 'c']),
  ('("a"b"c",d)', array['"a"b"c"', 'd']),
  ('("a" ,b)', array['"a" ', 'b']),
  ('( "a",b)', array['a', 'b']),
  ('(a, "b")', array['a', ' "b"']),
  ('("a,b)', array['"a', 'b']),
  ('(a"b,c"d)', array['a"b', 'c"d']),
  ('(1),(2)', array['1']),
  ('("1"),(2)', array['1']),
  ('(a.b,c:d)', array['a.b', 'c:d']),
  ('({1,2},{3})', array['{1', '2}', '{3}']),
  ('(100%,%s)', array['100%', '%s']),
  (E'(a\nb,"c\n,d")', array[E'a\nb', E'c\n,d']),
  ('(null)', array['null']),
  ('(é,"日,本")', array['é', '日,本'])
) as good (input, wanted);
select throws_ok(format('select postern.parse_list(%L)', input), 'PNERR', message, 'in.' || input)
from (values
  ('', 'Cannot read the list of in (line 1, column 1)'),
  ('1', 'Cannot read the list of in (line 1, column 1)'),
  (')', 'Cannot read the list of in (line 1, column 1)'),
  (E'\x01', 'Cannot read the list of in (line 1, column 1)'),
  ('(', 'Cannot read the list of in (line 1, column 2)'),
  ('(1,2', 'Cannot read the list of in (line 1, column 5)'),
  ('("a', 'Cannot read the list of in (line 1, column 4)'),
  ('("a)"', 'Cannot read the list of in (line 1, column 6)'),
  ('("a)",b', 'Cannot read the list of in (line 1, column 8)')
) as bad (input, message);
select is(postern.parse_list('("a)b,c'), array['"a'], 'a quote without an end is a plain character');
select is(cardinality(postern.parse_list('(' || repeat('1,', 200000) || '1)')), 200001, '200,001 plain elements');
select is(cardinality(postern.parse_list('(' || repeat('"1,",', 20000) || '1)')), 20001, '20,001 elements, most quoted');
select throws_ok(
  format('select postern.parse_list(%L)', '(' || repeat(piece, 100000 / length(piece))), 'PNERR', null, '100,000 characters of ' || piece)
from unnest(array['(', '"', '",', E'"\\",', E'\\', ',', 'a', 'a,']) as piece;

-- Array literals.
select is(postern.array_literal(input), wanted, wanted)
from (values
  (array['1', 'a,b', '3'], '{"1","a,b","3"}'),
  (array[]::text[], '{}'),
  (array[''], '{""}'),
  (array['null', 'NULL', null], '{"null","NULL",NULL}'),
  (array[null]::text[], '{NULL}'),
  (array['a"b', E'c\\d'], E'{"a\\"b","c\\\\d"}'),
  (array['{', '}', ','], '{"{","}",","}'),
  (array[' a '], '{" a "}'),
  (array['","'], E'{"\\",\\""}')
) as good (input, wanted);
select is(postern.array_literal(elements)::text[], elements, 'there and back: ' || elements::text)
from (values
  (array['a"b', E'c\\d', E'\\"', '""', E'\\\\', E'\n', '', ' ', 'é', 'null', null]),
  (array['1', '2', '3']),
  (array['","', '{', '}'])
) as round (elements);

select is(postern.parse_list(null), null, 'a null list');
select is(postern.array_literal(null), null, 'null elements');
select is(postern.parse_columns(null), null, 'null columns');

-- Every function of the room says what it is.
select ok(
  obj_description(oid, 'pg_proc') is not null and provolatile = 'i' and proparallel = 's', proname || ' is immutable and described')
from pg_proc
where pronamespace = 'postern'::regnamespace and (proname ~ '^(parse|scan)_' or proname in ('is_blank', 'is_keyword', 'is_word', 'tokens', 'unexpected', 'operators', 'limit_of', 'array_literal'));
select * from finish();
rollback;

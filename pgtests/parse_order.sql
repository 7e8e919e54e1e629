begin;
select no_plan();

select is(postern.parse_order(input), wanted::jsonb, 'order=' || input)
from (values
  ('id', '[{"name":"id"}]'),
  (' id , name ', '[{"name":"id"},{"name":"name"}]'),
  ('id.asc', '[{"name":"id","direction":"asc"}]'),
  ('id.desc', '[{"name":"id","direction":"desc"}]'),
  ('id.nullsfirst', '[{"name":"id","nulls":"first"}]'),
  ('id.nullslast', '[{"name":"id","nulls":"last"}]'),
  ('name.desc.nullsfirst', '[{"name":"name","direction":"desc","nulls":"first"}]'),
  ('name.asc.nullslast,id.desc', '[{"name":"name","direction":"asc","nulls":"last"},{"name":"id","direction":"desc"}]'),
  ('data->key.asc.nullslast', '[{"name":"data","path":[{"op":"->","key":"key"}],"direction":"asc","nulls":"last"}]'),
  ('data->!@#$%^&*_a.asc.nullslast', '[{"name":"data","path":[{"op":"->","key":"!@#$%^&*_a"}],"direction":"asc","nulls":"last"}]'),
  ('data->0.desc', '[{"name":"data","path":[{"op":"->","index":0}],"direction":"desc"}]'),
  ('data->>-1,id', '[{"name":"data","path":[{"op":"->>","index":-1}]},{"name":"id"}]'),
  ('"a.b".desc', '[{"name":"a.b","direction":"desc"}]'),
  ('"a" ,b', '[{"name":"a"},{"name":"b"}]'),
  ('asc', '[{"name":"asc"}]'),
  ('desc.desc', '[{"name":"desc","direction":"desc"}]'),
  ('unit price.desc', '[{"name":"unit price","direction":"desc"}]'),
  ('عنوان.asc', '[{"name":"عنوان","direction":"asc"}]'),
  ('clients(name)', '[{"name":"name","relation":"clients"}]'),
  ('clients( name )', '[{"name":"name","relation":"clients"}]'),
  ('clients(data->key).desc.nullsfirst', '[{"name":"data","path":[{"op":"->","key":"key"}],"relation":"clients","direction":"desc","nulls":"first"}]'),
  ('clients(data->0).desc', '[{"name":"data","path":[{"op":"->","index":0}],"relation":"clients","direction":"desc"}]'),
  ('"my rel"("my col"),id', '[{"name":"my col","relation":"my rel"},{"name":"id"}]'),
  ('name,clients(name).nullslast,id', '[{"name":"name"},{"name":"name","relation":"clients","nulls":"last"},{"name":"id"}]')
) as good (input, wanted);

select throws_ok(
  format('select postern.parse_order(%L)', input),
  'PNERR',
  format('Cannot read the order (line 1, column %s)', place),
  'order=' || input)
from (values
  ('', 1), (' ', 2), (',', 1), ('id,', 4), ('id,,name', 4), ('id.', 4), ('id.ac', 4), ('id.descc', 4), ('id.desc.', 9),
  ('id.DESC', 4), ('id.desc ', 4), ('id.nullslasttt', 4), ('id.nulsfist', 4), ('id.asc.nlsfst', 8), ('id.asc.nullslasttt', 8),
  ('id.asc.desc', 8), ('id.nullslast.asc', 13), ('id.asc.nullslast.x', 17), ('clients(name,id)', 13),
  ('clients(name', 13), ('clients()', 9), ('clients(name)x', 14), ('clients(a(b))', 10), ('a->b(c)', 5), ('data->', 7),
  ('id)', 3), ('*', 1), ('id::text', 3), ('%s', 1), (E'\x01', 1), (E'id\n', 3), ('"id', 4)
) as bad (input, place);

select is(postern.parse_order('id desc'), '[{"name":"id desc"}]', 'a space belongs to the name');
select is(jsonb_array_length(postern.parse_order(repeat('a,', 63) || 'a')), 64, '64 terms');
select throws_ok(format('select postern.parse_order(%L)', repeat('a,', 64) || 'a'), 'PNERR', 'Cannot read the order (line 1, column 129)', 'a term more');
select throws_ok(format('select postern.parse_order(%L)', repeat('a', 131073)), 'PNERR', 'Cannot read the order (longer than 131072 characters)', 'beyond the limit');
select throws_ok(
  format('select postern.parse_order(%L)', repeat(piece, 100000 / length(piece))), 'PNERR', null, '100,000 characters of ' || piece)
from unnest(array['(', 'a(', ')', ',', '"', '.', 'a.', '->', 'a->', ' ']) as piece;
select is(postern.parse_order(null), null, 'null in, null out');
select * from finish();
rollback;

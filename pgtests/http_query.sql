-- The query string, and the header Range.
begin;
select no_plan();

select is((select string_agg(name || ':' || value, '|') from postern.query_pairs(query)), wanted, 'query: ' || query)
from (values
  ('', null), ('a=b', 'a:b'), ('a=b.c.d', 'a:b.c.d'), ('a=b+%63', 'a:b c'), ('a', null), ('a=&b', 'a:'), ('a=b=c', 'a:b=c'),
  ('%61%2Eb=eq%2E1', 'a.b:eq.1'), ('a=1&a=2', 'a:1|a:2'), ('&&a=1&', 'a:1'), ('a=50%', 'a:50%'), ('a=%01', E'a:\x01'), ('%1F=%1E', E'\x1f:\x1e')
) as cases(query, wanted);
select is(testing.failure(format('select postern.query_pairs(%L)', query)), 'PGRST100', 'query: ' || query)
from unnest('{a=1&%A9,=x,=,a=1&=2,a=%00,%00=a,a=%ff,%ff=a}'::text[]) as query;
select is(testing.failure(format('select postern.query_pairs(%L)', repeat('a=1&', number - 1) || 'a=1')), wanted, number || ' parameters')
from (values (4096, null), (4097, 'PGRST100')) as cases(number, wanted);

select is(postern.parse_range(range), wanted::jsonb, 'range: ' || range)
from (values
  ('0-9', '{"first": {"value": "0"}, "last": {"value": "9"}}'), ('5-', '{"first": {"value": "5"}}'), ('3-3', '{"first": {"value": "3"}, "last": {"value": "3"}}'),
  ('', null), ('a-b', null), ('bytes=0-1', null), ('-5', null), ('0-9,20-29', null), ('0', null), (' 0-9', null), (E'0-\x01', null),
  ('0009223372036854775807-', '{"first": {"value": "9223372036854775807"}}')
) as cases(range, wanted);
select is(testing.failure($$ select postern.parse_range('3-1') $$), 'PGRST103', 'upside down');
select is(postern.range_bounds(range, number), wanted::jsonb, concat_ws(' ', 'range_bounds', range, number))
from (values
  ('1-2', null, '{"first": {"value": "1"}, "last": {"value": "2"}}'), ('1-2', 3, '{"first": {"value": "1"}, "last": {"value": "2"}}'),
  (E'\x01-\x01', 3, '{"first": {"param": 3}, "last": {"param": 4}}'), (E'\x01-', 5, '{"first": {"param": 5}}'), (E'\x01-', null, null), ('x', 3, null)
) as cases(range, number, wanted);
select is(postern.range_limit(first, last, skip, count), wanted::bigint, concat_ws(' ', first, last, skip, count))
from (values (0, 9, 0, null, 10), (0, null, 0, null, null), (0, null, 0, 5, 5), (2, 9, 0, 5, 3), (0, 9, 5, 2, 2), (3, 3, 0, null, 1), (0, 9, 0, 0, 0),
  (2, null, 9223372036854775807, 9223372036854775807, 1))
  as cases(first, last, skip, count, wanted);
select is(testing.failure($$ select postern.range_limit(5, 9, 0, 3) $$), 'PGRST103', 'a range and a limit that do not meet');

select * from finish();
rollback;

begin;
select no_plan();

create function pg_temp.failure(statement text) returns jsonb language plpgsql as $$
declare
  detail text;
begin
  execute statement;
  return null;
exception when sqlstate 'PNERR' then
  get stacked diagnostics detail = pg_exception_detail;
  return detail::jsonb;
end
$$;

-- Fields.
select is(postern.parse_select(input), wanted::jsonb, 'select=' || input)
from (values
  ('', '[]'),
  ('*', '[{"type":"field","name":"*"}]'),
  ('id', '[{"type":"field","name":"id"}]'),
  ('id,name', '[{"type":"field","name":"id"},{"type":"field","name":"name"}]'),
  (' id , name ', '[{"type":"field","name":"id"},{"type":"field","name":"name"}]'),
  (E'\tid\t,\tname', '[{"type":"field","name":"id"},{"type":"field","name":"name"}]'),
  ('*,*', '[{"type":"field","name":"*"},{"type":"field","name":"*"}]'),
  ('unit price', '[{"type":"field","name":"unit price"}]'),
  ('a-b-c', '[{"type":"field","name":"a-b-c"}]'),
  ('123', '[{"type":"field","name":"123"}]'),
  ('_', '[{"type":"field","name":"_"}]'),
  ('$', '[{"type":"field","name":"$"}]'),
  ('موارد', '[{"type":"field","name":"موارد"}]'),
  ('naïve,日本語,हिन्दी', '[{"type":"field","name":"naïve"},{"type":"field","name":"日本語"},{"type":"field","name":"हिन्दी"}]'),
  ('"a,b(c).d:e"', '[{"type":"field","name":"a,b(c).d:e"}]'),
  ('"  col  w  space  "', '[{"type":"field","name":"  col  w  space  "}]'),
  (E'"a\\"b\\\\c\\d"', E'[{"type":"field","name":"a\\"b\\\\cd"}]'),
  ('":arr->ow::cast"', '[{"type":"field","name":":arr->ow::cast"}]'),
  ('"100%"', '[{"type":"field","name":"100%"}]'),
  ('alias:name', '[{"type":"field","name":"name","alias":"alias"}]'),
  ('my alias:name', '[{"type":"field","name":"name","alias":"my alias"}]'),
  ('a: "b"', '[{"type":"field","name":"b","alias":"a"}]'),
  ('"a:b":name', '[{"type":"field","name":"name","alias":"a:b"}]'),
  ('name::text', '[{"type":"field","name":"name","cast":"text"}]'),
  ('name::double precision', '[{"type":"field","name":"name","cast":"double precision"}]'),
  ('name:: text ,id', '[{"type":"field","name":"name","cast":"text"},{"type":"field","name":"id"}]'),
  ('oids::_int4', '[{"type":"field","name":"oids","cast":"_int4"}]'),
  ('alias:name::text', '[{"type":"field","name":"name","cast":"text","alias":"alias"}]'),
  ('name::int::text', '[{"type":"field","name":"name","cast":"int"}]'),
  ('count', '[{"type":"field","name":"count"}]'),
  ('n:count', '[{"type":"field","name":"count","alias":"n"}]'),
  ('count::text', '[{"type":"field","name":"count","cast":"text"}]'),
  ('sum,avg', '[{"type":"field","name":"sum"},{"type":"field","name":"avg"}]'),
  ('count()', '[{"type":"field","name":"*","aggregate":"count"}]'),
  (' count()', '[{"type":"field","name":"*","aggregate":"count"}]'),
  ('n:count()::text', '[{"type":"field","name":"*","aggregate":"count","aggregate_cast":"text","alias":"n"}]'),
  ('amount.sum()', '[{"type":"field","name":"amount","aggregate":"sum"}]'),
  ('count.max()', '[{"type":"field","name":"count","aggregate":"max"}]'),
  ('n:id.count(distinct)', '[{"type":"field","name":"id","aggregate":"count","distinct":true,"alias":"n"}]'),
  ('a->b::int.sum(distinct)::text', '[{"type":"field","name":"a","path":[{"op":"->","key":"b"}],"cast":"int","aggregate":"sum","distinct":true,"aggregate_cast":"text"}]'),
  ('distinct()', '[{"type":"relation","name":"distinct","select":[]}]'),
  ('amount.sum()::int', '[{"type":"field","name":"amount","aggregate":"sum","aggregate_cast":"int"}]'),
  ('t:amount::int.avg()::text', '[{"type":"field","name":"amount","cast":"int","aggregate":"avg","aggregate_cast":"text","alias":"t"}]'),
  ('a.min(),a.max(),a.count()', '[{"type":"field","name":"a","aggregate":"min"},{"type":"field","name":"a","aggregate":"max"},{"type":"field","name":"a","aggregate":"count"}]'),
  ('id)', '[{"type":"field","name":"id"}]'),
  ('id)x', '[{"type":"field","name":"id"}]')
) as good (input, wanted);

-- Paths.
select is(
  postern.parse_select(input), jsonb_build_array(wanted::jsonb || '{"type":"field","name":"data"}'), 'select=' || input)
from (values
  ('data->a', '{"path":[{"op":"->","key":"a"}]}'),
  ('data->>a', '{"path":[{"op":"->>","key":"a"}]}'),
  ('data->a->>b', '{"path":[{"op":"->","key":"a"},{"op":"->>","key":"b"}]}'),
  ('data->0', '{"path":[{"op":"->","index":0}]}'),
  ('data->>-1', '{"path":[{"op":"->>","index":-1}]}'),
  ('data->>2147483647', '{"path":[{"op":"->>","index":2147483647}]}'),
  ('data->0->0xy1->1->23-xy-45->1->xy-6->>0::int',
   '{"path":[{"op":"->","index":0},{"op":"->","key":"0xy1"},{"op":"->","index":1},{"op":"->","key":"23-xy-45"},{"op":"->","index":1},{"op":"->","key":"xy-6"},{"op":"->>","index":0}],"cast":"int"}'),
  ('data->!@#$%^&*_d->>!@#$%^&*_e::integer',
   '{"path":[{"op":"->","key":"!@#$%^&*_d"},{"op":"->>","key":"!@#$%^&*_e"}],"cast":"integer"}'),
  ('data->"a.b,c"', '{"path":[{"op":"->","key":"a.b,c"}]}'),
  ('data->""', '{"path":[{"op":"->","key":""}]}'),
  ('data->"1"', '{"path":[{"op":"->","key":"1"}]}'),
  ('data->a"b', '{"path":[{"op":"->","key":"a\"b"}]}'),
  ('data-> a b ', '{"path":[{"op":"->","key":"a b"}]}'),
  ('data->1 ', '{"path":[{"op":"->","key":"1"}]}'),
  ('data->日本', '{"path":[{"op":"->","key":"日本"}]}'),
  ('data->a.sum()', '{"path":[{"op":"->","key":"a"}],"aggregate":"sum"}'),
  ('x:data->>a::int.sum()::text',
   '{"alias":"x","path":[{"op":"->>","key":"a"}],"cast":"int","aggregate":"sum","aggregate_cast":"text"}')
) as good (input, wanted);

-- Relations.
select is(postern.parse_select(input), wanted::jsonb, 'select=' || input)
from (values
  ('rel(*)', '[{"type":"relation","name":"rel","select":[{"type":"field","name":"*"}]}]'),
  ('rel()', '[{"type":"relation","name":"rel","select":[]}]'),
  ('rel(id),id', '[{"type":"relation","name":"rel","select":[{"type":"field","name":"id"}]},{"type":"field","name":"id"}]'),
  ('rel ( id ) , id', '[{"type":"relation","name":"rel","select":[{"type":"field","name":"id"}]},{"type":"field","name":"id"}]'),
  ('alias:rel!hint!inner(a,b(c))', '[{"type":"relation","name":"rel","alias":"alias","hint":"hint","join":"inner","select":[{"type":"field","name":"a"},{"type":"relation","name":"b","select":[{"type":"field","name":"c"}]}]}]'),
  ('rel!inner!hint(*)', '[{"type":"relation","name":"rel","hint":"hint","join":"inner","select":[{"type":"field","name":"*"}]}]'),
  ('rel!left(*)', '[{"type":"relation","name":"rel","join":"left","select":[{"type":"field","name":"*"}]}]'),
  ('rel!left!inner(*)', '[{"type":"relation","name":"rel","join":"left","select":[{"type":"field","name":"*"}]}]'),
  ('rel!one!two(*)', '[{"type":"relation","name":"rel","hint":"one","select":[{"type":"field","name":"*"}]}]'),
  ('rel!inner_fk(*)', '[{"type":"relation","name":"rel","hint":"inner_fk","select":[{"type":"field","name":"*"}]}]'),
  ('rel!"inner"(*)', '[{"type":"relation","name":"rel","hint":"inner","select":[{"type":"field","name":"*"}]}]'),
  ('"my rel"(id)', '[{"type":"relation","name":"my rel","select":[{"type":"field","name":"id"}]}]'),
  ('count:rel(id)', '[{"type":"relation","name":"rel","alias":"count","select":[{"type":"field","name":"id"}]}]'),
  ('rel(count())', '[{"type":"relation","name":"rel","select":[{"type":"field","name":"*","aggregate":"count"}]}]'),
  ('rel(data->0,data->>1)', '[{"type":"relation","name":"rel","select":[{"type":"field","name":"data","path":[{"op":"->","index":0}]},{"type":"field","name":"data","path":[{"op":"->>","index":1}]}]}]'),
  ('...rel(id)', '[{"type":"spread","name":"rel","select":[{"type":"field","name":"id"}]}]'),
  ('*,...rel!hint!inner(id),x(...y(*))', '[{"type":"field","name":"*"},{"type":"spread","name":"rel","hint":"hint","join":"inner","select":[{"type":"field","name":"id"}]},{"type":"relation","name":"x","select":[{"type":"spread","name":"y","select":[{"type":"field","name":"*"}]}]}]'),
  ('...count(id)', '[{"type":"spread","name":"count","select":[{"type":"field","name":"id"}]}]'),
  ('rel(id))', '[{"type":"relation","name":"rel","select":[{"type":"field","name":"id"}]}]')
) as good (input, wanted);

-- Refusals, each at its position.
select throws_ok(
  format('select postern.parse_select(%L)', input),
  'PNERR',
  format('Cannot read the select (line 1, column %s)', place),
  'select=' || input)
from (values
  (',', 1), (',id', 1), ('id,', 4), ('id,,name', 4), (' ', 2), ('(id)', 1), (':', 1), ('.', 1), ('..rel(id)', 1),
  ('%', 1), ('100%', 4), ('id,100%s', 7), ('a;b', 2), ('a''b', 2), ('a/b', 2), (E'\x01', 1), (E'id,\x01', 4),
  ('"', 2), ('"a', 3), (E'"a\\', 4), ('""', 2), ('"a"b', 4), (E'"a\x01"', 2), ('a-', 3), ('a--b', 3), ('-a', 1),
  ('*x', 2), ('*!hint', 2), ('*.sum()', 2), ('x:*', 3), ('name!hint', 10), ('name:', 6), ('a:b:c', 4), ('a:::b', 4),
  ('name::', 7), ('name:::', 7), ('name::varchar(10)', 14), ('ids::int[]', 9), ('name::"text"', 7),
  ('name.', 6), ('name.sum', 9), ('name.sum(', 10), ('name.sum(x)', 10), ('name.summ()', 6), ('name.total()', 6), ('name.(', 6),
  ('amount.sum().avg()', 13), ('count(', 6), ('count(id)', 6), ('"count"(id)', 8), ('"count"()', 8), ('count!hint(id)', 6),
  ('data->', 7), ('data->>', 8), ('data->>>a', 8), ('data->(a', 7), ('data->a(b)', 8), ('data->>--34', 9), ('data->>-xy-4', 9),
  ('data->>-78xy', 9), ('data->-1 ', 8), ('data->-1-2', 9), ('data->a-', 9), ('data->"a', 9), ('data->"a"b', 10), ('data->99999999999', 7), ('data->2147483648', 7),
  ('data->,id', 7), (E'data->a\x01', 8), ('data->a(x)', 8), ('data- >a', 7),
  ('rel(', 5), ('rel(id', 7), ('rel(id,', 8), ('rel(id,)', 8), ('rel(,id)', 5), ('rel((id))', 5), ('rel!(id)', 5), ('rel!hint', 9),
  ('rel!a!b!c(id)', 8), ('rel->a(id)', 7), ('rel::text(id)', 10), ('x:...rel(id)', 3), ('...', 4), ('...rel', 7), ('...rel->a(id)', 7),
  ('...(id)', 4), ('clients(name[])', 13), ('日本,%', 4)
) as bad (input, place);

select is(
  pg_temp.failure('select postern.parse_select(''id,%'')'),
  '{"code":"PGRST100","message":"Cannot read the select (line 1, column 4)","details":"found \"%\", expected a name","hint":null}',
  'the code, what was found and what was expected');
select is(
  pg_temp.failure('select postern.parse_select(''id,'')') ->> 'details', 'found the end, expected a name', 'the end has a name');

-- Control characters.
select throws_ok(
  format('select postern.parse_select(%L)', 'ab' || chr(code) || 'c'),
  'PNERR',
  format('Cannot read the select (line 1, column %s)', case code when 9 then 4 else 3 end),
  'control character ' || code)
from generate_series(1, 31) as code;
select throws_ok(
  format('select postern.parse_select(%L)', '"ab' || chr(code) || '"'), 'PNERR', null, 'quoted control character ' || code)
from unnest(array[1, 2, 8, 10, 13, 31, 127]) as code;

-- Limits.
select is(
  postern.parse_select(repeat('a(', 32) || 'x' || repeat(')', 32))
    #>> string_to_array(repeat('0,select,', 32) || '0,name', ','),
  'x',
  '32 levels of embedding');
select throws_ok(
  format('select postern.parse_select(%L)', repeat('a(', depth) || 'x' || repeat(')', depth)),
  'PNERR', 'Cannot read the select (line 1, column 66)', depth || ' levels of embedding')
from unnest(array[33, 34, 1000, 40000]) as depth;
select throws_ok(
  format('select postern.parse_select(%L)', repeat('...a(', 10000)), 'PNERR', null, 'endless spreads');
select is(
  jsonb_array_length(postern.parse_select('a' || repeat('->b', 64)) #> '{0,path}'), 64, '64 arrows');
select throws_ok(
  format('select postern.parse_select(%L)', 'a' || repeat('->b', arrows)), 'PNERR', null, arrows || ' arrows')
from unnest(array[65, 40000]) as arrows;
select is(length(postern.parse_select(repeat('a', 131072)) #>> '{0,name}'), 131072, 'a name as long as the limit');
select is(jsonb_array_length(postern.parse_select(repeat(piece, 1599) || 'a')), 1600, '1,600 items') from unnest('{"a,","a(b),","...a(b),"}'::text[]) as piece;
select throws_ok(format('select postern.parse_select(%L)', input), 'PNERR', 'Cannot read the select (line 1, column ' || place || ')', 'an item more')
from (values (repeat('a,', 1600) || 'a', 3201), ('x,a(' || repeat('b,', 1600) || 'b)', 3205)) as cases(input, place);
select throws_ok(
  format('select postern.parse_select(%L)', repeat('a', 131073)), 'PNERR', 'Cannot read the select (longer than 131072 characters)', 'beyond the limit');
select throws_ok(
  format('select postern.parse_select(%L)', repeat(piece, 100000 / length(piece))), 'PNERR', null, '100,000 characters of ' || piece)
from unnest(array['(', ')', ',', '"', E'\\', E'"\\', '-', '->', '->-', ':', '!', '.', '...', 'a:', 'a!', 'a-', 'a::', E'\t', ' ']) as piece;

select is(postern.parse_select(null), null, 'null in, null out');
select * from finish();
rollback;

-- Bodies as shapes. In what is compared, | stands for chr(31), : for chr(30), @ for chr(2).
begin;
select no_plan();

create function pg_temp.shown(shape text) returns text language sql as $$ select translate(shape, E'\x1f\x1e\x01\x02', '|:#@') $$;
create function pg_temp.shaped(body text, type text default 'application/json', path text default '/films', shape text default '') returns text language sql as $$
  select pg_temp.shown(piece[1]) || piece[2] || ' ' || current_setting('postern.payload')
  from postern.shape_payload('POST', path, type, shape, convert_to(body, 'UTF8')) as piece $$;

-- JSON.
select is(pg_temp.shown(postern.shape_json(body)), wanted, body)
from (values
  ('{}', '|@json::{[]'),
  ('{"b": 1, "a": {"c": 2}}', '|@json::{["a", "b"]'),
  ('[{"a": 1}, {"a": null}]', '|@json::[["a"]'),
  ('[{}]', '|@json::[[]'),
  ('[]', '|@empty::'),
  ('1', '|@empty::'), ('"a"', '|@empty::'), ('null', '|@empty::'), ('true', '|@empty::'),
  ('[{"a": 1}, {"b": 1}]', '|@refused::All object keys must match'),
  ('[{"a": 1}, {}]', '|@refused::All object keys must match'),
  ('[{"a": 1}, {"a": 1, "b": 2}]', '|@refused::All object keys must match'),
  ('[{"a": 1}, 2]', '|@refused::All object keys must match'),
  ('[1]', '|@refused::All object keys must match'),
  ('', '|@refused::Empty or invalid json'),
  ('{"a":', '|@refused::Empty or invalid json'),
  ('{"a": 1} x', '|@refused::Empty or invalid json'),
  ('{''a'': 1}', '|@refused::Empty or invalid json'),
  ('{"a": "\ud800"}', '|@refused::Empty or invalid json'),
  ('{"a": 1, "a": 2}', '|@json::{["a"]'),
  ('{"a''\"\\$1%s": 1}', '|@json::{["a''\"\\$1%s"]')
) as cases(body, wanted);
select throws_ok($$select postern.shape_json('{"a": "\u0000"}')$$, '22P05', null, 'what no text can hold');
select throws_ok('select postern.shape_json(''{"a": 1e999999}'')', '22003', null, 'a number that no numeric can hold');
select is(postern.shape_json(repeat('[', 50000)), E'\x1f\x02refused\x1e\x1eEmpty or invalid json', 'JSON that is too deep');
select is(postern.shape_json('{"a": ' || repeat('[', 50000) || repeat(']', 50000) || '}'), E'\x1f\x02refused\x1e\x1eEmpty or invalid json', 'valid JSON that is too deep');
select ok(postern.shape_json('{"\u0001\u0002\u001e\u001f": 1}') !~ E'^\x1f\x02json\x1e\x1e.*[\x01\x02\x1e\x1f]', 'keys cannot forge a shape');

-- Long arrays are looked at without parsing them; what is found must be what parsing finds.
select is(postern.flat_keys(body), wanted, body)
from (values
  ('[{"a":1}]', '{a}'::text[]),
  (E' [ { "b c" : -1.5e+3 ,\t"a" : "x, \\"y\\" \\\\ é 😀" } ,\n{"b c":null,"a":true} ] ', '{b c,a}'),
  ('[{"a":"{}[]:,"}]', null), -- a brace in the first object: not seen, so it is parsed
  ('[{"a":1},{"a":"}{"}]', '{a}'),
  ('[{"a":1},{"b":1}]', null),
  ('[{"a":1},{"a":1,"b":1}]', null),
  ('[{"a":1,"b":1},{"a":1}]', null),
  ('[{"a":1,"b":1},{"b":1,"a":1}]', null),
  ('[{"a":1,"a":1}]', null),
  ('[{"a":1},{}]', null), ('[{}]', null), ('[]', null), ('{"a":1}', null), ('1', null), ('', null), ('[{"a":1},1]', null),
  ('[{"a":[1]}]', null), ('[{"a":{"b":1}}]', null), ('[{"a":"\u0041"}]', null),
  ('[{"a":1}', null), ('[{"a":1},]', null), ('[{"a":1}]]', null), ('[{"a":1}] x', null), ('[{"a":1}{"a":2}]', null),
  ('[{"a":01}]', null), ('[{"a":1.}]', null), ('[{"a":.5}]', null), ('[{"a":+1}]', null), ('[{"a":1},{"a":01}]', null), ('[{"a":1},{"a":NaN}]', null), ('[{"a":1},{"a":"x}]', null),
  ('[{"a":1},{"a":"\x"}]', null), (E'[{"a":1},{"a":"\n"}]', null), ('[{"a.*":1},{"aXX":2}]', null), ('[{"a%s":1}]', null)
) as cases(body, wanted);
select is(pg_temp.shown(postern.shape_json(body)), wanted, left(body, 30))
from (
  select format('[%s%s]', string_agg(format('{"a":%s,"b c":"x%s"}', n, n), ','), more) as body, wanted
  from generate_series(1, 300) as n, (values ('', '|@json::[["a", "b c"]'), (',{"a":1}', '|@refused::All object keys must match'), (',{"b c":1,"a":[2]}', '|@json::[["a", "b c"]')) as cases(more, wanted)
  group by more, wanted
) as long;

-- CSV.
select is(pg_temp.shaped(body, 'text/csv'), wanted, body)
from (values
  (E'a,b\n1,2', '|@json::[["a", "b"] [{"a" : "1", "b" : "2"}]'),
  (E'a,b\r\n1,2\r\n', '|@json::[["a", "b"] [{"a" : "1", "b" : "2"}]'),
  (E'a\n"x, ""y"""', '|@json::[["a"] [{"a" : "x, \"y\""}]'),
  (E'a\n"x\ny"', '|@json::[["a"] [{"a" : "x\ny"}]'),
  (E'a\x1f\x02b\x1e,c\x01\n1,2', '|@json::[["a\u001f\u0002b\u001e", "c\u0001"] [{"a\u001f\u0002b\u001e" : "1", "c\u0001" : "2"}]'),
  (E'a,b\nNULL,', '|@json::[["a", "b"] [{"a" : null, "b" : ""}]'),
  ('a,b', '|@empty:: []'),
  (E'a,b\n1', '|@refused::All lines must have same number of fields '),
  (E'a\n1,2', '|@refused::All lines must have same number of fields '),
  (E'a,b\n\n1,2\n\n3,4\n\n', '|@json::[["a", "b"] [{"a" : "1", "b" : "2"}, {"a" : "3", "b" : "4"}]'),
  (E'a\n""\nx\n', '|@json::[["a"] [{"a" : "x"}]'),
  (E'"a","b,""c"""\n"1\\2,\\c\r\n\\s",\\', '|@json::[["a", "b,\"c\""] [{"a" : "1\\2,\\c\r\n\\s", "b,\"c\"" : "\\"}]'),
  (E'a\n"x"y', '|@refused::A quote in the CSV is neither around a field nor doubled within one '),
  (E'a\nx"y"', '|@refused::A quote in the CSV is neither around a field nor doubled within one '),
  (E'a\n"x', '|@refused::A quote in the CSV is neither around a field nor doubled within one '),
  (E'a\n"x""', '|@refused::A quote in the CSV is neither around a field nor doubled within one '),
  (E'a"\nx"', '|@refused::A quote in the CSV is neither around a field nor doubled within one '),
  (E'a,a\n1,2', '|@json::[["a"] [{"a" : "1", "a" : "2"}]'),
  ('', '|@refused::The CSV has no header line '),
  (E' \n', '|@refused::The CSV has no header line ')
) as cases(body, wanted);

-- Forms.
select is(pg_temp.shaped(body, 'application/x-www-form-urlencoded'), wanted, body)
from (values
  ('a=1&b=x+y%26', '|@json::{["a", "b"] {"a": "1", "b": "x y&"}'),
  ('a', '|@json::{["a"] {"a": ""}'),
  ('', '|@json::{[] {}'),
  ('a=1&a=2', '|@json::{["a"] {"a": "2"}'),
  ('a%1F%02b%1E=1', '|@json::{["a\u001f\u0002b\u001e"] {"a\u001f\u0002b\u001e": "1"}'),
  ('a=''"\', '|@json::{["a"] {"a": "''\"\\"}')
) as cases(body, wanted);
select is(pg_temp.shown(piece[1]) || piece[2], wanted, 'arguments: ' || body)
from (values
  ('a=1&b=it''s', '|@form::|@field::a|@field::b,''1'',''it''''s'''),
  ('', '|@form::'),
  ('a=1&a=2', '|@form::|@field::a|@field::a,''1'',''2'''),
  ('a%20b=c%2Bd', '|@form::|@field::a b,''c+d''')
) as cases(body, wanted), postern.shape_form_arguments(body) as piece;
select is(testing.failure(format('select postern.shape_form_arguments(%L)', body)), 'PGRST100', 'arguments that do not decode, or forge a shape: ' || body)
from unnest('{%=1,a=%zz,a=%ff,a%1F%02refused%1E%1Ex=1,a%1Fb=1,a%1Eb=1,a%01b=1,%02a=1}'::text[]) as body;

-- By type, method and resource.
select is(pg_temp.shaped(body, type, path, shape), wanted, concat_ws(' ', type, path, body))
from (values
  ('{"a": 1}', 'application/json', '/films', E'\x1fcolumns\x1e\x1ea', '|@json::{ {"a": 1}'),
  ('', 'application/json', '/films', E'\x1fcolumns\x1e\x1ea', '|@json::[ '),
  (E'\x1f\x02refused\x1e\x1ex', 'application/json', '/films', E'\x1fcolumns\x1e\x1ea', E'|@json::[ \x1f\x02refused\x1e\x1ex'),
  (E'\x01', 'application/json', '/rpc/add', E'\x1fcolumns\x1e\x1ea', E'|@json::[ \x01'),
  (E' \n[{"a": 1}]', 'application/json; charset=utf-8', '/films', E'\x1fcolumns\x1e\x1ea', E'|@json::[  \n[{"a": 1}]'),
  ('', 'application/json', '/rpc/add', '', '|@json::{[] {}'),
  ('', 'application/json', '/films', '', '|@refused::Empty or invalid json '),
  ('x', 'text/plain', '/rpc/add', '', '|@raw:: x'),
  ('<x/>', 'text/xml', '/rpc/add', '', '|@raw:: <x/>'),
  ('x', 'application/octet-stream', '/rpc/add', '', '|@raw:: 78'),
  ('x', 'text/plain', '/films', '', '|@refused::Content-Type not acceptable: text/plain '),
  ('x', 'application/octet-stream', '/films', '', '|@refused::Content-Type not acceptable: application/octet-stream '),
  ('x', 'image/png', '/rpc/add', '', '|@refused::Content-Type not acceptable: image/png '),
  ('x', E'a\x1f\x02b\x1ec\x01/d', '/films', '', '|@refused::Content-Type not acceptable: a  b c /d '),
  ('x', E'application/vnd.pgrst.plan; for="a\x1f\x02json\x1e\x1e{"', '/films', '',
    '|@refused::Content-Type not acceptable: application/vnd.pgrst.plan+text; for="a  json  {" '),
  ('a=1', 'application/x-www-form-urlencoded', '/', '', '|@form::|@field::a,''1'' '),
  ('x', 'text/plain', '/', '', '|@raw:: x'),
  ('{"a": 1}', null, '/films', '', '|@json::{["a"] {"a": 1}')
) as cases(body, type, path, shape, wanted);
select is(testing.failure($$ select postern.shape_payload('POST', '/films', 'application/json', '', '\xff') $$), '22021', 'bytes that are no UTF-8');
select is(testing.failure($$ select postern.shape_payload('POST', '/films', 'text/csv', '', '\x6100') $$), '22021', 'a NUL');

select * from finish();
rollback;

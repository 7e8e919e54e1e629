-- What is said of a body.
begin;
select no_plan();

-- JSON.
select is(postern.describe_json(body), wanted::jsonb, body)
from (values
  ('{}', '{"form": "{", "keys": []}'),
  ('{"b": 1, "a": {"c": 2}}', '{"form": "{", "keys": ["a", "b"]}'),
  ('[{"a": 1}, {"a": null}]', '{"form": "[", "keys": ["a"]}'),
  ('[{}]', '{"form": "[", "keys": []}'),
  ('[]', '{"form": "empty"}'), ('1', '{"form": "empty"}'), ('"a"', '{"form": "empty"}'), ('null', '{"form": "empty"}'), ('true', '{"form": "empty"}'),
  ('[{"a": 1}, {"b": 1}]', '{"refused": "All object keys must match"}'),
  ('[{"a": 1}, {}]', '{"refused": "All object keys must match"}'),
  ('[{"a": 1}, {"a": 1, "b": 2}]', '{"refused": "All object keys must match"}'),
  ('[{"a": 1}, 2]', '{"refused": "All object keys must match"}'),
  ('[1]', '{"refused": "All object keys must match"}'),
  ('', '{"refused": "Empty or invalid json"}'), ('{"a":', '{"refused": "Empty or invalid json"}'), ('{"a": 1} x', '{"refused": "Empty or invalid json"}'),
  ('{''a'': 1}', '{"refused": "Empty or invalid json"}'), ('{"a": "\ud800"}', '{"refused": "Empty or invalid json"}'),
  ('{"a": 1, "a": 2}', '{"form": "{", "keys": ["a"]}'),
  ('{"a''\"\\$1%s": 1}', '{"form": "{", "keys": ["a''\"\\$1%s"]}')
) as cases(body, wanted);
select throws_ok($$ select postern.describe_json('{"a": "\u0000"}') $$, '22P05', null, 'what no text can hold');
select throws_ok($$ select postern.describe_json('{"a": 1e999999}') $$, '22003', null, 'a number that no numeric can hold');
select is(postern.describe_json(body), '{"refused": "Empty or invalid json"}', 'JSON that is too deep')
from (values (repeat('[', 50000)), ('{"a": ' || repeat('[', 50000) || repeat(']', 50000) || '}')) as cases(body);

-- CSV: the description, and the rows.
select is(jsonb_build_object('of', postern.describe_csv(body) - 'text', 'rows', (postern.describe_csv(body) ->> 'text')::jsonb), jsonb_build_object('of', wanted::jsonb, 'rows', rows::jsonb), body)
from (values
  (E'a,b\n1,2', '{"form": "[", "keys": ["a", "b"]}', '[{"a": "1", "b": "2"}]'),
  (E'a,b\r\n1,2\r\n', '{"form": "[", "keys": ["a", "b"]}', '[{"a": "1", "b": "2"}]'),
  (E'a\n"x, ""y"""', '{"form": "[", "keys": ["a"]}', '[{"a": "x, \"y\""}]'),
  (E'a\n"x\ny"', '{"form": "[", "keys": ["a"]}', '[{"a": "x\ny"}]'),
  (E'a,b\nNULL,', '{"form": "[", "keys": ["a", "b"]}', '[{"a": null, "b": ""}]'),
  (E'a,b\n1', '{"refused": "All lines must have same number of fields"}', null),
  (E'a\n1,2', '{"refused": "All lines must have same number of fields"}', null),
  (E'a,b\n\n1,2\n\n3,4\n\n', '{"form": "[", "keys": ["a", "b"]}', '[{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]'),
  (E'a\n""\nx\n', '{"form": "[", "keys": ["a"]}', '[{"a": "x"}]'),
  (E'"a","b,""c"""\n"1\\2,\\c\r\n\\s",\\', '{"form": "[", "keys": ["a", "b,\"c\""]}', '[{"a": "1\\2,\\c\r\n\\s", "b,\"c\"": "\\"}]'),
  (E'a\n"x"y', '{"refused": "A quote in the CSV is neither around a field nor doubled within one"}', null),
  (E'a\n"x', '{"refused": "A quote in the CSV is neither around a field nor doubled within one"}', null),
  (E'a"\nx"', '{"refused": "A quote in the CSV is neither around a field nor doubled within one"}', null),
  ('', '{"refused": "The CSV has no header line"}', null), (' ', '{"refused": "The CSV has no header line"}', null), ('a,b', '{"form": "empty"}', null), (E' \n', '{"form": "empty"}', null)
) as cases(body, wanted, rows);
select is(postern.describe_csv(E'a,a\n1,2'), '{"form": "[", "keys": ["a"], "text": "[{\"a\" : \"1\", \"a\" : \"2\"}]"}', 'a column twice');
select results_eq(format('select place, fields from postern.csv_lines(%L)', body), wanted, body)
from (values
  (E'a,"b,\n""c"\r\n\r\n1,\\\n', $$values (1::bigint, array['a', E'b,\n"c']), (3, array['1', '\'])$$),
  (E'x"y",z', $$values (1::bigint, '{NULL,z}'::text[])$$)
) as cases(body, wanted);
select is(postern.csv_field('"a""b"'), 'a"b', 'csv_field');

-- Forms.
select is(postern.describe_form(body, false), wanted::jsonb, body)
from (values
  ('a=1&b=x+y%26', '{"form": "{", "keys": ["a", "b"], "text": "{\"a\": \"1\", \"b\": \"x y&\"}"}'),
  ('a', '{"form": "{", "keys": ["a"], "text": "{\"a\": \"\"}"}'), ('', '{"form": "{", "keys": [], "text": "{}"}'),
  ('a=1&a=2', '{"form": "{", "keys": ["a"], "text": "{\"a\": \"2\"}"}')
) as cases(body, wanted);
select is(postern.describe_form(body, true), jsonb_build_object('form', 'fields', 'arguments', wanted::jsonb), 'arguments: ' || body)
from (values
  ('a=1&b=it''s', '[{"name": "a", "value": "1"}, {"name": "b", "value": "it''s"}]'), ('', '[]'),
  ('a=1&a=2', '[{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]'), ('a%20b=c%2Bd&&e', '[{"name": "a b", "value": "c+d"}, {"name": "e", "value": ""}]')
) as cases(body, wanted);
select is(testing.failure(format('select postern.describe_form(%L, %L)', body, call)), 'PGRST100', body)
from unnest('{a=%ff,%00=1}'::text[]) as body, unnest('{t,f}'::boolean[]) as call;
select is(postern.describe_form(repeat('a=1&', fields - 1) || 'a=1', call) ->> 'refused', wanted, fields || ' fields')
from (values (4096, null), (4097, 'The form has more than 4096 fields')) as bounds(fields, wanted), unnest('{t,f}'::boolean[]) as call;

-- By type, method and resource.
select is(postern.describe_payload(testing.request(method, target, jsonb_strip_nulls(jsonb_build_object('content-type', type))), target like '/rpc/%', convert_to(body, 'UTF8')), wanted::jsonb,
  concat_ws(' ', method, target, type, body))
from (values
  ('POST', '/films', null, '{"a": 1}', '{"form": "{", "keys": ["a"]}'),
  ('POST', '/films', 'application/json; charset=utf-8', '[{"a": 1}]', '{"form": "[", "keys": ["a"]}'),
  ('POST', '/films?columns=a', 'application/json', E' \n{"b": 1}', '{"form": "{"}'),
  ('PATCH', '/films?%63olumns=a', 'application/json', 'foo', '{"form": "["}'),
  ('PUT', '/films?columns=a', 'application/json', '{"b": 1}', '{"form": "{", "keys": ["b"]}'),
  ('POST', '/rpc/add', 'application/json', '', '{"form": "{", "keys": []}'),
  ('POST', '/films', 'application/json', '', '{"refused": "Empty or invalid json"}'),
  ('POST', '/films', 'application/x-www-form-urlencoded', 'a=1', '{"form": "{", "keys": ["a"], "text": "{\"a\": \"1\"}"}'),
  ('POST', '/rpc/add', 'application/x-www-form-urlencoded', 'a=1', '{"form": "fields", "arguments": [{"name": "a", "value": "1"}]}'),
  ('POST', '/rpc/add', 'text/csv', E'a\n1', '{"form": "[", "keys": ["a"], "text": "[{\"a\" : \"1\"}]"}'),
  ('POST', '/rpc/add', 'text/plain', 'x', '{"form": "raw"}'), ('POST', '/rpc/add', 'text/xml', '<x/>', '{"form": "raw"}'),
  ('POST', '/rpc/add', 'application/octet-stream', 'x', '{"form": "raw", "bytes": true}'),
  ('POST', '/films', 'text/plain', 'x', '{"refused": "Content-Type not acceptable: text/plain"}'),
  ('POST', '/films', 'application/octet-stream', 'x', '{"refused": "Content-Type not acceptable: application/octet-stream"}'),
  ('POST', '/rpc/add', 'image/png', 'x', '{"refused": "Content-Type not acceptable: image/png"}')
) as cases(method, target, type, body, wanted);
select is(testing.failure($$ select postern.describe_payload('{"method": "POST"}', false, '\xff') $$), '22021', 'bytes that are no UTF-8');
select is(postern.describe_payload('{"method": "POST", "headers": {"content-type": "application/octet-stream"}}', true, '\xff'), '{"form": "raw", "bytes": true}', 'but where they need not be');

select * from finish();
rollback;

-- The head of the OpenAPI description.
begin;
select no_plan();

select is(array[postern.first_line(comment), postern.after_first_line(comment)], array[first, rest], replace(comment, E'\n', '|'))
from (values
  ('Title', 'Title', ''),
  (E'Title\n\nText\n\nmore\n', 'Title', E'Text\n\nmore\n'),
  (E'Title\nText', 'Title', 'Text'),
  (E'\nText', '', 'Text')
) as cases(comment, first, rest);

create schema plain;
create schema titled;
comment on schema titled is E'Shop\n\nWhat it sells';
select is(postern.openapi_info('titled')::jsonb,
  jsonb_build_object('title', 'Shop', 'description', 'What it sells', 'version', postern.version()), 'the comment of the schema');
select is(postern.openapi_info('plain') ->> 'title', 'postern API', 'no comment');
select is(postern.openapi_info('no such schema') ->> 'title', 'postern API', 'no schema');

select is(postern.openapi_address(config::jsonb)::jsonb, wanted::jsonb, config)
from (values
  ('{"server_host": "!4", "server_port": 3000}', '{"scheme": "http", "host": "0.0.0.0:3000", "path": "/"}'),
  ('{"server_host": "*6", "server_port": 1}', '{"scheme": "http", "host": "0.0.0.0:1", "path": "/"}'),
  ('{"server_host": "::1", "server_port": 80}', '{"scheme": "http", "host": "[::1]:80", "path": "/"}'),
  ('{"server_host": "db.example", "server_port": 3000}', '{"scheme": "http", "host": "db.example:3000", "path": "/"}'),
  ('{}', '{"scheme": "http", "host": null, "path": "/"}'),
  ('{"openapi_server_proxy_uri": "https://example.com", "server_host": "x"}', '{"scheme": "https", "host": "example.com:443", "path": "/"}'),
  ('{"openapi_server_proxy_uri": "HTTP://example.com/a/b"}', '{"scheme": "http", "host": "example.com:80", "path": "/a/b"}'),
  ('{"openapi_server_proxy_uri": "https://[::1]:8443/base"}', '{"scheme": "https", "host": "[::1]:8443", "path": "/base"}')
) as cases(config, wanted);

select is(postern.openapi_pointer('definitions', 'a/b~c%d e"'), '#/definitions/a~1b~0c%25d e"', 'a pointer is escaped');
select is(postern.openapi_references(names)::jsonb, wanted::jsonb, names::text)
from (values
  (array['a'], '[{"$ref": "a"}]'),
  (array['a', 'b'], '[{"$ref": "a"}, {"$ref": "b"}]'),
  (array['","', '["', '"]', E'\\', '","}],'], '[{"$ref": "\",\""}, {"$ref": "[\""}, {"$ref": "\"]"}, {"$ref": "\\"}, {"$ref": "\",\"}],"}]')
) as cases(names, wanted);

select * from finish();
rollback;

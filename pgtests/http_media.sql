-- Media types.
begin;
select no_plan();

select is(postern.media_type(given) - 'for' - 'options' - 'format', wanted::jsonb, given)
from (values
  ('application/json', '{"kind": "named", "name": "application/json", "charset": true}'),
  ('APPLICATION/JSON; charset=UTF-8', '{"kind": "named", "name": "application/json", "charset": true}'),
  (' text/csv ', '{"kind": "named", "name": "text/csv", "charset": true}'),
  ('application/octet-stream', '{"kind": "named", "name": "application/octet-stream"}'),
  ('*/*', '{"kind": "any", "name": "*/*"}'),
  ('application/vnd.pgrst.object', '{"kind": "object", "name": "application/vnd.pgrst.object+json", "charset": true}'),
  ('application/vnd.pgrst.object+json', '{"kind": "object", "name": "application/vnd.pgrst.object+json", "charset": true}'),
  ('application/vnd.pgrst.object+json;nulls=stripped', '{"kind": "object", "strip": true, "name": "application/vnd.pgrst.object+json;nulls=stripped", "charset": true}'),
  ('application/vnd.pgrst.array+json', '{"kind": "named", "name": "application/json", "charset": true}'),
  ('application/vnd.pgrst.array+json; nulls="stripped"', '{"kind": "array", "strip": true, "name": "application/vnd.pgrst.array+json;nulls=stripped", "charset": true}'),
  ('image/png', '{"kind": "named", "name": "image/png"}'),
  ('application/vnd.pgrst.plan', '{"kind": "plan", "charset": true, "name": "application/vnd.pgrst.plan+text; for=\"application/json\""}'),
  ('application/vnd.pgrst.plan+json; for="text/csv"; options=analyze|verbose', '{"kind": "plan", "charset": true, "name": "application/vnd.pgrst.plan+json; for=\"text/csv\"; options=analyze|verbose"}'),
  ('application/vnd.pgrst.plan; options=verbose|drop|analyze', '{"kind": "plan", "charset": true, "name": "application/vnd.pgrst.plan+text; for=\"application/json\"; options=analyze|verbose"}')
) as cases(given, wanted);
select is(postern.media_type('application/vnd.pgrst.plan; options="analyze|(select 1)|buffers"') -> 'options', '["analyze", "buffers"]', 'options of plans are of a list');

select is((select string_agg(media ->> 'name', ' ' order by place) from jsonb_array_elements(postern.accepted_media_types(accept)) with ordinality as listed(media, place)),
  wanted, coalesce(accept, 'no header'))
from (values
  (null, '*/*'), ('', '*/*'), ('text/csv', 'text/csv'), ('text/csv, application/json', 'text/csv application/json'),
  ('text/csv;q=0.5, application/json', 'application/json text/csv'), ('*/*;q=0.1, text/csv;q=0.2', 'text/csv */*'),
  ('application/json, text/csv;q=1', 'application/json text/csv'), ('a/b;q=1.2.3,c/d', 'a/b c/d'), ('a/b;q=.5,c/d;q=0.9', 'a/b c/d'),
  ('text/csv;q=0, */*', '*/* text/csv'), ('a/b;q=0.3,c/d;q=0.9,e/f;q=0.6', 'c/d e/f a/b'),
  ('application/vnd.pgrst.object+json;q=0.2,text/csv;q=0.4', 'text/csv application/vnd.pgrst.object+json')
) as cases(accept, wanted);
select lives_ok(format('select postern.accepted_media_types(%L)', accept), 'no error: ' || accept)
from unnest(array[',', ';', ';q=', 'a/b;q=x', 'a/b;q=1e400', 'a/b;q=....', '*/*;q=0.0000001', 'a;b;c;d=', repeat('a/b,', 500), '"', '\', '%s%n{}']) as accept;

select is(postern.content_type(postern.media_type(given)), wanted, given)
from (values ('application/json', 'application/json; charset=utf-8'), ('image/png', 'image/png'), ('application/octet-stream', 'application/octet-stream')) as cases(given, wanted);

select * from finish();
rollback;

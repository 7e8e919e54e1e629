-- What user code sets through response.status and response.headers.
begin;
select no_plan();

create function pg_temp.overridden(own_status text, own_headers text) returns text language plpgsql as $$
declare
  made record;
begin
  perform set_config('response.status', own_status, true), set_config('response.headers', own_headers, true);
  execute postern.render_response('{"epoch": "", "code": "volatile"}', null, '200', $h$E'\nContent-Type: a\nX-B: c'$h$, null) into made;
  return made.status || replace(replace(made.headers, E'\n', ' '), ': ', ',');
end $$;
select is(pg_temp.overridden(own_status, own_headers), wanted, coalesce(own_status, '') || ' ' || coalesce(own_headers, ''))
from (values
  (null, null, '200 Content-Type,a X-B,c'),
  ('201', null, '201 Content-Type,a X-B,c'),
  (' 201 Created', null, '201 Content-Type,a X-B,c'),
  (null, '[]', '200 Content-Type,a X-B,c'),
  (null, '[{"X-D": "e"}]', '200 X-D,e Content-Type,a X-B,c'),
  (null, '[{"content-type": "e"}]', '200 content-type,e X-B,c'),
  (null, '[{"Set-Cookie": "a=1"}, {"Set-Cookie": "b=2"}]', '200 Set-Cookie,a=1 Set-Cookie,b=2 Content-Type,a X-B,c'),
  ('', '', '200 Content-Type,a X-B,c'), -- as after a transaction that has set them
  ('404', '[{"X-B": ""}]', '404 X-B, Content-Type,a')
) as cases(own_status, own_headers, wanted);
select is(testing.failure(format('select pg_temp.overridden(%L, null)', own_status)), 'PGRST112', 'status ' || own_status)
from unnest('{abc,99,100,199,600,1000,-200,2e2,"20 0",0x200,"２００"}'::text[]) as own_status;
select is(testing.failure(format('select pg_temp.overridden(null, %L)', own_headers)), 'PGRST111', 'headers ' || own_headers)
from unnest(array['abc', '{}', '"X-A"', '1', '[1]', '["X-A"]', '[{"X-A": 1}]', '[{"X-A": null}]', '[{"X-A": {}}]', '[{"X-A": "b", "X-C": "d"}]', '[{}]', '[{"X-A": "b"}, {}]', '[[]]', '[null]',
  '[{"X-A": "b\r\nSet-Cookie: c"}]', '[{"X-A\r\nX-B": "c"}]', '[{"X A": "b"}]', '[{"": "b"}]', '[{"X:A": "b"}]', '[{"X-A": "\u0000"}]', '[{"Ä": "b"}]', '[{"X-A": "\u007f"}]']) as own_headers;
select is(testing.failure(format('select pg_temp.overridden(null, %L)', jsonb_build_array(jsonb_build_object('X-A', repeat('x', length))))), wanted, length || ' bytes')
from (values (65536 - 13, null), (65536 - 12, 'PGRST111')) as cases(length, wanted);

select * from finish();
rollback;

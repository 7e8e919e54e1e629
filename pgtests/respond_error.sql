-- Errors as answers.
begin;
select no_plan();

create function pg_temp.status(state text, message text default 'm', anonymous boolean default false) returns int language sql as $$
  select status from postern.error_response(state, message, null, null, anonymous, 'verbose') $$;

select is(pg_temp.status(state), wanted, state)
from (values
  ('08000', 503), ('08006', 503), ('09000', 500), ('0L000', 403), ('0P000', 403), ('22012', 400), ('23502', 400), ('23503', 409), ('23505', 409),
  ('23514', 400), ('25006', 405), ('25P02', 500), ('28000', 403), ('2D000', 500), ('38000', 500), ('39000', 500), ('3B000', 500), ('40001', 500),
  ('40P01', 500), ('42501', 403), ('42601', 400), ('42703', 400), ('42883', 404), ('42P01', 404), ('42P17', 500), ('53300', 503), ('53400', 500),
  ('54001', 500), ('55000', 500), ('55P03', 500), ('57014', 500), ('57P01', 503), ('58000', 500), ('F0000', 500), ('HV000', 500), ('P0001', 400),
  ('P0002', 500), ('P0004', 500), ('PT402', 402), ('PT599', 599), ('PT600', 500), ('PTabc', 500), ('XX000', 500), ('99999', 400), ('22023', 400),
  ('57P02', 503), ('57P03', 503)
) as cases(state, wanted);
select is(pg_temp.status('42501', 'm', true), 401, '42501 of the anonymous role');
select is(pg_temp.status('22023', 'role "x" does not exist'), 401, 'a role that does not exist');
select is(pg_temp.status('21000', 'UPDATE requires a WHERE clause'), 400, 'pg-safeupdate');
select is(pg_temp.status('21000', 'more than one row'), 500, 'another cardinality violation');

-- Codes of ours: every one that sql/ raises has a status.
select is(array_agg(distinct code), null, 'codes without a status')
from pg_proc as p, regexp_matches(p.prosrc, '''(PGRST[0-9]{3})''', 'g') as found(codes), unnest(codes) as code
where p.pronamespace = 'postern'::regnamespace and postern.error_status(code) is null;
select is(postern.error_status(code), wanted, code)
from (values
  ('PGRST100', 400), ('PGRST101', 405), ('PGRST102', 400), ('PGRST103', 416), ('PGRST105', 405), ('PGRST106', 406), ('PGRST107', 406),
  ('PGRST108', 400), ('PGRST111', 500), ('PGRST112', 500), ('PGRST114', 400), ('PGRST115', 400), ('PGRST116', 406), ('PGRST117', 405),
  ('PGRST118', 400), ('PGRST121', 500), ('PGRST122', 400), ('PGRST123', 400), ('PGRST124', 400), ('PGRST125', 404),
  ('PGRST126', 404), ('PGRST127', 400), ('PGRST128', 400), ('PGRST200', 400), ('PGRST201', 300), ('PGRST202', 404), ('PGRST203', 300),
  ('PGRST204', 400), ('PGRST205', 404)
) as cases(code, wanted);

-- Hints of PostgreSQL name columns that are like a wrong one.
create table pg_temp.hinted (id int, "hidden.one" text);
create role told;
grant select (id) on pg_temp.hinted to told;
set local role told;
select is(postern.told_hint(state, hint), wanted, hint)
from (values
  ('42703', 'Perhaps you meant to reference the column "hinted.id".', 'Perhaps you meant to reference the column "hinted.id".'),
  ('42703', 'Perhaps you meant to reference the column "hinted_2.id".', 'Perhaps you meant to reference the column "hinted_2.id".'),
  ('42703', 'Perhaps you meant to reference the column "hinted.hidden.one".', null),
  ('42703', 'Perhaps you meant to reference the column "hinted.id" or the column "hinted.hidden.one".', null),
  ('42703', 'Vielleicht wurde auf die Spalte »hinted.hidden.one« verwiesen.', null),
  ('42703', 'there is no column', 'there is no column'), ('P0001', 'see "hinted.hidden.one"', 'see "hinted.hidden.one"')) as cases(state, hint, wanted);
reset role;

-- Body and headers.
create function pg_temp.body(state text, message text, detail text, hint text, verbosity text default 'verbose') returns text language sql as $$
  select convert_from(body, 'UTF8') from postern.error_response(state, message, detail, hint, false, verbosity) $$;
select is(pg_temp.body('P0001', 'm', 'd', 'h'), '{"code":"P0001","details":"d","hint":"h","message":"m"}', 'all of it');
select is(pg_temp.body('P0001', 'm', '', ''), '{"code":"P0001","details":null,"hint":null,"message":"m"}', 'empty is null');
select is(pg_temp.body('P0001', 'm', 'd', 'h', 'minimal'), '{"code":"P0001","message":"m"}', 'minimal');
select is(pg_temp.body('P0001', E'"\\\n\x01%s{}ä', null, null)::json ->> 'message', E'"\\\n\x01%s{}ä', 'characters that JSON escapes');
select is(headers, '{{Content-Type,"application/json; charset=utf-8"},{Proxy-Status,"postern; error=42501"},{WWW-Authenticate,Bearer}}', 'headers of a 401')
from postern.error_response('42501', 'm', null, null, true, 'verbose');

-- postern.fail.
create function pg_temp.failed(statement text) returns jsonb language plpgsql as $$
declare
  detail text;
  made record;
begin
  execute statement;
  return null;
exception when sqlstate 'PNERR' then
  get stacked diagnostics detail = pg_exception_detail;
  made := postern.error_response(sqlstate, sqlerrm, detail, null, false, 'verbose');
  return convert_from(made.body, 'UTF8')::jsonb || jsonb_build_object('status', made.status);
end $$;
select is(pg_temp.failed($$ select postern.fail('PGRST108', 'm') $$), '{"code": "PGRST108", "message": "m", "details": null, "hint": null, "status": 400}', 'a message');
select is(pg_temp.failed($$ select postern.fail('PGRST108', '100%s {} "', 'd', 'h') $$),
  '{"code": "PGRST108", "message": "100%s {} \"", "details": "d", "hint": "h", "status": 400}', 'all of it');
select is(pg_temp.failed($$ select postern.fail_json('PGRST201', 'm', '[{"a": 1}]') $$),
  '{"code": "PGRST201", "message": "m", "details": [{"a": 1}], "hint": null, "status": 300}', 'details of any kind');

-- RAISE with SQLSTATE PGRST.
create function pg_temp.raised(message text, detail text) returns text language sql as $$
  select a.status || ' ' || coalesce(convert_from(a.body, 'UTF8')::json ->> 'code', 'none') || coalesce(' ' || nullif(array_to_string(a.headers[3:], ','), ''), '')
  from postern.error_response('PGRST', message, detail, null, false, 'verbose') as a $$;
select is(pg_temp.raised(message, detail), wanted, message || ' ' || coalesce(detail, 'no detail'))
from (values
  ('{"code": "c", "message": "m"}', '{"status": 332, "headers": {}}', '332 c'),
  ('{"code": "c", "message": "m", "details": "d", "hint": "h"}', '{"status": 402, "headers": {"X-A": "b", "X-C": "d"}}', '402 c X-A,b,X-C,d'),
  ('{"code": "c"}', '{"status": 402, "headers": {}}', '500 PGRST121'),
  ('{"message": "m"}', '{"status": 402, "headers": {}}', '500 PGRST121'),
  ('no json', '{"status": 402, "headers": {}}', '500 PGRST121'),
  ('[]', '{"status": 402, "headers": {}}', '500 PGRST121'),
  ('{"code": "c", "message": "m"}', null, '500 PGRST121'),
  ('{"code": "c", "message": "m"}', '', '500 PGRST121'),
  ('{"code": "c", "message": "m"}', 'no json', '500 PGRST121'),
  ('{"code": "c", "message": "m"}', '{"headers": {}}', '500 PGRST121'),
  ('{"code": "c", "message": "m"}', '{"status": "high", "headers": {}}', '500 PGRST121'),
  ('{"code": "c", "message": "m"}', '{"status": 402}', '500 PGRST121'),
  ('{"code": "c", "message": "m"}', '{"status": 402, "headers": "X-A: b"}', '500 PGRST121'),
  ('{"code": "c", "message": "m"}', '[402]', '500 PGRST121')
) as cases(message, detail, wanted);
select is(pg_temp.raised(message, detail), '500 PGRST121', 'too deep')
from (values (repeat('[', 100000), '{}'), ('{"code": "c", "message": "m"}', repeat('[', 100000))) as cases(message, detail);
select is(status, 400, 'PNERR of the user''s: ' || left(detail, 30))
from (values ('no json'), ('{}'), ('{"code": "PGRST102", "line": "x"}'), (repeat('[', 100000))) as cases(detail),
  lateral postern.error_response('PNERR', 'm', detail, null, false, 'verbose');

select * from finish();
rollback;

-- Which HTTP status an error has.

create or replace function postern.error_status(code text)
returns int
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select status
    from (values
      ('PGRST100', 400), ('PGRST101', 405), ('PGRST102', 400), ('PGRST103', 416), ('PGRST105', 405),
      ('PGRST106', 406), ('PGRST107', 406), ('PGRST108', 400), ('PGRST111', 500), ('PGRST112', 500),
      ('PGRST114', 400), ('PGRST115', 400), ('PGRST116', 406), ('PGRST117', 405), ('PGRST118', 400),
      ('PGRST121', 500), ('PGRST122', 400), ('PGRST123', 400), ('PGRST124', 400),
      ('PGRST125', 404), ('PGRST126', 404), ('PGRST127', 400), ('PGRST128', 400), ('PGRST155', 412), ('PGRST156', 400),
      ('PGRST150', 400), ('PGRST151', 400), ('PGRST152', 413),
      ('PGRST158', 400), ('PGRST159', 400), ('PGRST160', 400), ('PGRST161', 415), ('PGRST162', 400), ('PGRST175', 400),
      ('PGRST171', 400), ('PGRST176', 400),
      ('PGRST200', 400), ('PGRST201', 300), ('PGRST202', 404), ('PGRST203', 300), ('PGRST204', 400),
      ('PGRST205', 404)
    ) as known(name, status)
    where name = code);
end
$$;
comment on function postern.error_status(text) is
  'The HTTP status of a code PGRSTxxx; null for any other. Raises nothing. Source: PostgREST docs, references/errors.';

create or replace function postern.sqlstate_status(state text, message text, anonymous boolean)
returns int
language plpgsql immutable parallel safe
as $$
begin
  return case
    when state = '42501' then case when anonymous then 401 else 403 end
    when state in ('23503', '23505') then 409
    when state = '25006' then 405
    when state = '21000' then case when message like '%requires a WHERE clause' then 400 else 500 end
    when state = '22023' then case when message like 'role%does not exist' then 401 else 400 end
    when state = '42883' then case when message like 'function xmlagg(%' then 406 else 404 end
    when state = '42P01' then 404
    when state in ('42P17', '53400') then 500
    when state in ('57P01', '57P02', '57P03') then 503
    when state = 'P0001' then 400
    when state ~ '^PT[1-5][0-9][0-9]$' then substr(state, 3)::int
    when left(state, 2) in ('08', '53') then 503
    when left(state, 2) in ('0L', '0P', '28') then 403
    when left(state, 2) in (
      '09', '25', '2D', '38', '39', '3B', '40', '54', '55', '57', '58', 'F0', 'HV', 'P0', 'PT', 'XX') then 500
    else 400 end;
end
$$;
comment on function postern.sqlstate_status(text, text, boolean) is
  'The HTTP status of an error of PostgreSQL, by SQLSTATE and for a few by message. In: anonymous: the request has no '
  'role of its own: 401, not 403. Raises nothing. Source: PostgREST docs, references/errors, "HTTP status codes".';

-- Which line of a body an error comes of: the statement is executed again, for some of the rows.

create or replace function postern.try_rows(
  flags jsonb, rows text[], vals text[], first int, last int, kept boolean,
  out state text, out message text, out detail text, out hint text)
returns record
language plpgsql volatile
as $$
begin
  execute pg_catalog.concat('execute postern_compiled ', postern.arguments(
    flags operator(pg_catalog.||) pg_catalog.jsonb_build_object(
      'text', pg_catalog.format('[%s]', pg_catalog.array_to_string(rows[first:last], ','))), null, vals));
  if not kept then
    raise sqlstate 'PNRBK';
  end if;
exception
  when sqlstate 'PNRBK' then
    null;
  when others or query_canceled or assert_failure then
    get stacked diagnostics state = returned_sqlstate, message = message_text, detail = pg_exception_detail,
      hint = pg_exception_hint;
end
$$;
comment on function postern.try_rows(jsonb, text[], text[], int, int, boolean) is
  'Executes what postern.preparation has prepared for some of the rows. In: flags: of the statement (the type '
  'postern.compiled); rows: JSON objects; vals: as of postern.handle; first, last: which of the rows; kept: whether '
  'what was done stays. Out: the error, null where there was none. Raises nothing.';

create or replace function postern.failing_row(
  flags jsonb, rows text[], vals text[], failed text, said text,
  out number int, out message text, out detail text, out hint text)
returns record
language plpgsql volatile
as $$
declare
  first int := 1;
  last int := pg_catalog.cardinality(rows);
  tried pg_catalog.record;
begin
  if failed operator(pg_catalog.=) '23503' then -- alone a row may fail because another one is missing
    select t.number, t.message, t.detail, t.hint into number, message, detail, hint
    from postern.failing_rows(flags, rows, vals, failed, said) as t;
    if number is not null then
      return;
    end if;
  end if;
  begin
    while first operator(pg_catalog.<) last loop -- by halves, of which what succeeds is kept
      number := (first operator(pg_catalog.+) last) operator(pg_catalog./) 2;
      tried := postern.try_rows(flags, rows, vals, first, number, true);
      if tried.state is null then
        first := number operator(pg_catalog.+) 1;
      else
        last := number;
        exit when tried.state operator(pg_catalog.<>) failed;
      end if;
    end loop;
    if first operator(pg_catalog.=) last then
      number := first;
      tried := postern.try_rows(flags, rows, vals, first, last, true);
    end if;
    raise sqlstate 'PNRBK';
  exception when sqlstate 'PNRBK' then
    null;
  end;
  if first operator(pg_catalog.<>) last or tried.state operator(pg_catalog.=) failed is not true then
    select t.number, t.message, t.detail, t.hint into number, message, detail, hint
    from postern.failing_rows(flags, rows, vals, failed, null) as t;
  else
    message := tried.message;
    detail := tried.detail;
    hint := tried.hint;
  end if;
end
$$;
comment on function postern.failing_row(jsonb, text[], text[], text, text) is
  'Finds the row that makes a statement fail: one that does so by itself, or else that of postern.failing_rows. In: '
  'failed, said: SQLSTATE and detail of the error; others as of postern.try_rows. Out: its number, from 1 on, and its '
  'error; null where none fails again. All that is done is undone. Raises nothing.';

create or replace function postern.failing_rows(
  flags jsonb, rows text[], vals text[], failed text, said text,
  out number int, out message text, out detail text, out hint text)
returns record
language plpgsql volatile
as $$
declare
  succeed int := 0;
  middle int := pg_catalog.cardinality(rows);
  tried pg_catalog.record;
begin
  while middle operator(pg_catalog.>) succeed loop
    tried := postern.try_rows(flags, rows, vals, 1, middle, false);
    if tried.state operator(pg_catalog.=) failed
      and coalesce(tried.detail operator(pg_catalog.=) said, said is null)
    then
      number := middle;
      message := tried.message;
      detail := tried.detail;
      hint := tried.hint;
    else
      succeed := middle;
    end if;
    middle := (succeed operator(pg_catalog.+) number) operator(pg_catalog./) 2;
  end loop;
end
$$;
comment on function postern.failing_rows(jsonb, text[], text[], text, text) is
  'Finds the row up to which the rows of a statement fail, for what fails only together. In: said: the detail that the '
  'error has, null for any; others as of postern.failing_row. Out: as of that; all done is undone. Raises nothing.';

create or replace function postern.line_error(
  flags jsonb, payload bytea, vals text[], failed text, said text, out message text, out detail text, out hint text,
  out line bigint)
returns record
language plpgsql volatile
as $$
declare
  rows constant pg_catalog.text[] := array(
    select l.line from postern.body_lines(pg_catalog.convert_from(payload, 'UTF8')) as l order by l.place);
  number int;
begin
  if pg_catalog.left(failed, 2) operator(pg_catalog.=) any ('{08,25,26,40,53,57,58,PN}')
    or rows operator(pg_catalog.=) '{}'
    or (select t.state from postern.try_rows(flags, rows, vals, 1, 0, false) as t) is not null
  then
    return;
  end if;
  select f.number, f.message, f.detail, f.hint into number, message, detail, hint
  from postern.failing_row(flags, rows, vals, failed, said) as f;
  line := case when number is not null then (
    select l.place from postern.body_lines(pg_catalog.convert_from(payload, 'UTF8')) as l
    order by l.place offset number operator(pg_catalog.-) 1 limit 1) end;
end
$$;
comment on function postern.line_error(jsonb, bytea, text[], text, text) is
  'The error that a row of ndjson has raised, as that row raises it. In: payload: the body; failed, said: SQLSTATE and '
  'detail; others as of postern.try_rows. Out: line: its number; null where it comes of no row. Raises nothing.';

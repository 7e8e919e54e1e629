-- What compiled statements make of their rows beside JSON: a body, and where the rows stand.

create or replace function postern.as_body(made bytea)
returns bytea
language sql immutable parallel safe
as $$ select made $$;
comment on function postern.as_body(bytea) is
  'Takes what a media type handler made as the body. Out: the same bytes. Raises nothing.';

create or replace function postern.as_body(made anyelement)
returns bytea
language sql stable parallel safe
as $$ select pg_catalog.convert_to(pg_catalog.concat(made), 'UTF8') $$;
comment on function postern.as_body(anyelement) is
  'Takes what a media type handler made as the body. Out: its text in UTF-8, no bytes for null. Raises nothing.';

create or replace function postern.content_range(first bigint, rows bigint, total bigint)
returns text
language sql immutable parallel safe
as $$
  select pg_catalog.concat(case when rows operator(pg_catalog.>) 0 and coalesce(total operator(pg_catalog.<>) 0, true)
    then pg_catalog.concat(first, '-', first operator(pg_catalog.+) rows operator(pg_catalog.-) 1) else '*' end, '/',
    coalesce(total::pg_catalog.text, '*'))
$$;
comment on function postern.content_range(bigint, bigint, bigint) is
  'Makes a Content-Range. In: the offset; how many rows are here, and in all (or null). Out: 0-9/100, 0-9/* or */100. '
  'Raises nothing. Source: RFC 9110, section 14.4; PostgREST docs, references/api/pagination_count.';

create or replace function postern.out_of_bounds(first bigint, total bigint, verbosity text)
returns text
language sql immutable parallel safe
as $$
  select postern.error_body('PGRST103', 'The requested range is not satisfiable', pg_catalog.to_json(pg_catalog.format(
    'An offset of %s was requested, but there are only %s rows.', first, total)), null, verbosity)
$$;
comment on function postern.out_of_bounds(bigint, bigint, text) is
  'Makes the body of a 416 for a page behind the last row. In: the offset; rows in all. Out: JSON. Raises nothing.';

-- How long compiling took, for the header Server-Timing and for traces.

create or replace function postern.timed(request jsonb, flags jsonb)
returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not request ? 'timed' then
    return flags;
  end if;
  return flags || jsonb_build_object('took',
    round((extract(epoch from clock_timestamp() - statement_timestamp()) * 1000)::numeric, 3));
end
$$;
comment on function postern.timed(jsonb, jsonb) is
  'The flags of a statement that was compiled (the type postern.compiled) with took: milliseconds since the statement '
  'that called postern.handle began, where the request asks for them by its member timed.';

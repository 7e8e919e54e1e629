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
  'Adds to the flags of a statement (the type postern.compiled) the time that compiling took, where the request has '
  'timed: took, milliseconds since the statement that called postern.handle began. Raises nothing.';

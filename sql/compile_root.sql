-- The root of the API.

create or replace function postern.compile_root(request jsonb, schema text, config jsonb)
returns postern.compiled
language plpgsql stable
as $$
begin
  if request ->> 'method' = 'OPTIONS' then
    return postern.direct_answer(200, array[['Access-Control-Allow-Origin', '*'], ['Allow', 'OPTIONS,GET,HEAD']]);
  end if;
  perform postern.fail('PGRST126', 'The root of the API has no description');
end
$$;
comment on function postern.compile_root(jsonb, text, jsonb) is
  'The answer at the root.';

-- The method QUERY (draft-ietf-httpbis-safe-method-w-body): GET whose query string, or more of it, is the body.

create or replace function postern.query_as_get(request jsonb, payload bytea)
returns jsonb
language plpgsql immutable parallel safe
as $$
declare
  given constant pg_catalog.text := request -> 'headers' ->> 'content-type';
  body pg_catalog.text;
begin
  if given is null or postern.media_type(given) ->> 'name' <> 'application/x-www-form-urlencoded' then
    perform postern.fail('PGRST161', 'The body of a QUERY is application/x-www-form-urlencoded',
      case when given is null then 'There is no Content-Type' else 'Content-Type: ' || given end);
  end if;
  begin
    body := convert_from(coalesce(payload, ''), 'UTF8');
  exception when character_not_in_repertoire or untranslatable_character then
    perform postern.fail('PGRST100', 'The body is not valid UTF-8, or not within the encoding of the database');
  end;
  return request || jsonb_build_object('method', 'GET', 'bodied', true,
    'query', concat_ws('&', nullif(request ->> 'query', ''), nullif(body, '')));
end
$$;
comment on function postern.query_as_get(jsonb, bytea) is
  'The GET that a request with the method QUERY stands for. In: payload: null from the shell, which sends no body but '
  'has put it there. Out: the request, with its body behind the query of the URL and bodied, which says so. Raises '
  'PGRST161 for a body of another type, PGRST100 for what is not text. Source: draft-ietf-httpbis-safe-method-w-body.';

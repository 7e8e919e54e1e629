-- How the OpenAPI description says that a token is sent.

create or replace function postern.openapi_security_definitions(active boolean)
returns json
language plpgsql immutable strict parallel safe
as $$
begin
  return case when active then json_build_object('JWT', json_build_object(
    'description', 'Add the token prepending "Bearer " (without quotes) to it',
    'in', 'header',
    'name', 'Authorization',
    'type', 'apiKey')) end;
end
$$;
comment on function postern.openapi_security_definitions(boolean) is
  'The Security Definitions Object: the JWT in the Authorization header. In: active: openapi-security-active. Out: the '
  'object; null unless it is on. Raises nothing.';

create or replace function postern.openapi_security(active boolean)
returns json
language plpgsql immutable strict parallel safe
as $$
begin
  return case when active then '[{"JWT": []}]'::json end;
end
$$;
comment on function postern.openapi_security(boolean) is
  'The security that all operations require, as postern.openapi_security_definitions names it. In: active: '
  'openapi-security-active. Out: an array; null unless it is on. Raises nothing.';

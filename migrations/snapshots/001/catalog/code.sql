-- temporary
create or replace function postern.user_code(relation oid, command text) returns text language sql stable strict as $$ select 'volatile'::text $$;
create or replace function postern.function_code(oids oid[]) returns text language sql stable strict as $$ select 'volatile'::text where oids[1] is not null $$;
create or replace function postern.worst_code(variadic codes text[]) returns text language sql immutable as $$ select case when 'volatile' = any(codes) then 'volatile' when 'stable' = any(codes) then 'stable' end $$;
create or replace function postern.plan_likes(node jsonb) returns jsonb language sql immutable as $$ select '[]'::jsonb $$;
create or replace function postern.inserts_plainly(relation oid)
returns boolean
language plpgsql stable strict parallel safe
as $$
begin
  return exists (select from pg_class where oid = inserts_plainly.relation and relkind = 'r' and not relhasrules)
    and not exists (select from pg_trigger where tgrelid = inserts_plainly.relation and not tgisinternal);
end
$$;

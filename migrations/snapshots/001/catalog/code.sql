-- Whether code of the user's may run in a write.

create or replace function postern.inserts_plainly(relation oid)
returns boolean
language plpgsql stable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return exists (select from pg_class where oid = inserts_plainly.relation and relkind = 'r' and not relhasrules)
    and not exists (select from pg_trigger where tgrelid = inserts_plainly.relation and not tgisinternal);
end
$$;
comment on function postern.inserts_plainly(oid) is
  'Whether an INSERT inserts just the rows that it has: into a table without rules and triggers.';

create or replace function postern.insert_runs_code(relation oid)
returns boolean
language plpgsql stable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  first_of_users constant oid := '16384'::oid; -- FirstNormalObjectId
  harmless constant text[] := '{nextval,now,transaction_timestamp,statement_timestamp,clock_timestamp,gen_random_uuid,uuidv4,uuidv7,random}';
  trees text := (
    select coalesce(string_agg(tree, ' '), '')
    from (
      select adbin::text from pg_attrdef where adrelid = insert_runs_code.relation
      union all
      select conbin::text from pg_constraint where conrelid = insert_runs_code.relation
      union all
      select concat(indexprs, indpred) from pg_index where indrelid = insert_runs_code.relation) as expressions(tree));
begin
  return not postern.inserts_plainly(insert_runs_code.relation)
    or exists (select from pg_class where oid = insert_runs_code.relation and relrowsecurity)
    or exists (select from pg_attribute where attrelid = insert_runs_code.relation and attnum > 0 and not attisdropped and atttypid >= first_of_users)
    or exists (select from pg_index, unnest(indclass) as class where indrelid = insert_runs_code.relation and class >= first_of_users)
    or trees ~ '\{(?!(?:CONST|VAR|FUNCEXPR|OPEXPR|BOOLEXPR|NULLTEST|RELABELTYPE|SCALARARRAYOPEXPR|ARRAY|ARRAYEXPR|NEXTVALUEEXPR|SQLVALUEFUNCTION)\M)'
    or exists (
      select from regexp_matches(trees, ':(?:op)?funcid ([0-9]+)', 'g') as used left join pg_proc on oid = used[1]::oid
      where (oid < first_of_users and (provolatile = 'i' or proname = any(harmless))) is not true);
end
$$;
comment on function postern.insert_runs_code(oid) is
  'Whether an INSERT into a relation may run code of the user''s: a view, rules, triggers, row security, types, or expressions of defaults, generated columns, constraints and indexes that call more than immutable functions of PostgreSQL''s own and some for sequences, times and random values. True in doubt.';

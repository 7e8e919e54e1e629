-- The guard on cost (db-max-cost): what the plan of a statement costs is looked at before it runs.

create or replace function postern.plan_cost(flags jsonb, payload bytea, vals text[])
returns float8
language plpgsql volatile
as $$
declare
  plan pg_catalog.json;
begin
  execute pg_catalog.concat('explain (format json) execute postern_compiled ',
    postern.arguments(flags, payload, vals)) into plan;
  return (
    select pg_catalog.sum((part operator(pg_catalog.#>>) '{Plan,Total Cost}')::pg_catalog.float8)
    from pg_catalog.json_array_elements(plan) as part);
end
$$;
comment on function postern.plan_cost(jsonb, bytea, text[]) is
  'The cost of the plan of what postern.preparation has prepared, with the values given; nothing is executed. In: as '
  'of postern.execute_prepared. Raises what planning and postern.arguments raise.';

create or replace function postern.judged(flags jsonb, payload bytea, vals text[])
returns jsonb
language plpgsql volatile
as $$
declare
  most constant pg_catalog.float8 := (flags operator(pg_catalog.->>) 'max_cost')::pg_catalog.float8;
  mode constant pg_catalog.text := pg_catalog.current_setting('plan_cache_mode');
  average pg_catalog.float8;
begin
  if most is null then
    return flags;
  end if;
  perform postern.check_cost(postern.plan_cost(flags, payload, vals), most);
  if pg_catalog.cardinality(vals) operator(pg_catalog.>) 1 then
    perform pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true);
    average := postern.plan_cost(flags, payload, vals);
    perform pg_catalog.set_config('plan_cache_mode', mode, true);
  end if;
  return flags operator(pg_catalog.||) pg_catalog.jsonb_build_object('look',
    coalesce(average operator(pg_catalog.>) most, false));
end
$$;
comment on function postern.judged(jsonb, bytea, text[]) is
  'Judges the cost of what postern.preparation has prepared, and of its shape. In: flags: of the statement; others as '
  'of postern.execute_prepared. Out: the flags; where there is a limit, look says whether values decide, as the plan '
  'for any values (the generic one) costs more than the limit. Raises PGRST162 where the plan for these does, and what '
  'planning raises.';

create or replace function postern.check_cost(cost float8, most float8)
returns void
language plpgsql immutable parallel safe
as $$
begin
  if cost operator(pg_catalog.>) most then
    perform postern.fail_json('PGRST162', 'The request costs more than is allowed',
      pg_catalog.jsonb_build_object('cost', cost, 'limit', most),
      'Ask for fewer rows, or filter by what has an index');
  end if;
end
$$;
comment on function postern.check_cost(float8, float8) is
  'Checks what a plan costs. In: most: the limit, null for none. Raises PGRST162 where the cost is above it.';

create or replace function postern.look(statement text, flags jsonb, payload bytea, vals text[])
returns boolean
language plpgsql volatile
as $$
begin
  execute postern.preparation(statement, flags);
  perform postern.check_cost(
    postern.plan_cost(flags, payload, vals), (flags operator(pg_catalog.->>) 'max_cost')::pg_catalog.float8);
  perform postern.forget_prepared();
  return true;
exception when others or query_canceled then
  perform postern.forget_prepared();
  raise;
end
$$;
comment on function postern.look(text, jsonb, bytea, text[]) is
  'Looks at the cost of a kept statement before it runs with these values. In: as of postern.execute_prepared. Out: '
  'true. Raises PGRST162 where the plan costs more than max_cost of the flags, and what planning raises.';

create or replace function postern.explained(options text, statement text, most float8)
returns text
language plpgsql volatile strict
as $$
begin
  perform postern.check_cost(
    (postern.explained('format json', statement)::pg_catalog.json
      operator(pg_catalog.#>>) '{0,Plan,Total Cost}')::pg_catalog.float8, most);
  return postern.explained(options, statement);
end
$$;
comment on function postern.explained(text, text, float8) is
  'Explains a statement with options that have it executed, unless its plan costs more than the limit. In: options, '
  'statement: as of postern.explained without a limit. Raises PGRST162 where it does, and what that raises.';

create or replace function postern.explained(options text, statement text)
returns text
language plpgsql volatile strict
as $$
declare
  line pg_catalog.text;
  plan pg_catalog.text := '';
begin
  for line in execute pg_catalog.format('explain (%s) %s', options, statement) loop
    plan := pg_catalog.concat(plan, line, E'\n');
  end loop;
  return plan;
end
$$;
comment on function postern.explained(text, text) is
  'Explains a statement. In: options of EXPLAIN, with commas. Out: the plan as text. Raises what EXPLAIN raises.';

create or replace function postern.planned_rows(statement text)
returns bigint
language sql volatile strict
as $$
  select (postern.explained('format json', statement)::pg_catalog.json
    operator(pg_catalog.#>>) '{0,Plan,Plan Rows}')::bigint
$$;
comment on function postern.planned_rows(text) is
  'Estimates how many rows a statement has. Out: the planner''s number. Raises what EXPLAIN raises.';

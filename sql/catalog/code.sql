-- What code of the user's a statement may run: functions that PostgreSQL does not come with, in SQL, PL/pgSQL or any
-- language but C. The answers are null (none), 'stable' (none that is VOLATILE: it may set response.status or
-- response.headers) and 'volatile' (it may leave something in the session), so that greatest() of two is the worse.
-- What an expression calls is in pg_depend, where what PostgreSQL comes with is not (postern.direct_objects).

create or replace function postern.user_code(relation oid, command text)
returns text
language plpgsql stable strict parallel safe
as $$
declare
  code pg_catalog.text;
  one pg_catalog.record;
begin
  if user_code.command = 'select' and exists (
    select from pg_class
     where oid = user_code.relation and relkind in ('r', 'm') and not relrowsecurity and not relhassubclass)
  then -- what most reads are
    return null;
  end if;
  for one in select * from postern.reached_relations(user_code.relation, user_code.command) loop
    code := greatest(code, postern.relation_code(one.relation, one.command, one.reach));
    exit when code = 'volatile';
  end loop;
  return case when found then code else 'volatile' end;
end
$$;
comment on function postern.user_code(oid, text) is
$$What code of the user's a command on a relation may run: triggers, defaults, generated columns, constraints, domains,
indexes, policies of any role, rules, views, operators, and those of partitions, of what a view shows and of what
foreign keys change. In: the relation; select, insert, update or delete (an upsert is insert and update). Out: null,
stable or volatile, which also a foreign table is and what is not there. Raises nothing. The defaults that an UPDATE may
set columns to are not looked at: they are an INSERT's.$$;

create or replace function postern.relation_code(relation oid, command text, reach int)
returns text
language plpgsql stable strict parallel safe
as $$
declare
  written constant boolean := command in ('insert', 'update');
  class pg_catalog.record;
  code pg_catalog.text;
begin
  select relkind, relhastriggers, relhasrules, relrowsecurity, relhasindex, relchecks into class
    from pg_class
   where oid = relation_code.relation;
  if class.relkind = 'f' then
    return 'volatile';
  end if;
  if class.relhastriggers and relation_code.command <> 'select' then
    code := greatest(code, postern.trigger_code(relation_code.relation, relation_code.command, reach));
  end if;
  if written or relation_code.command = 'default' then
    code := greatest(code, postern.default_code(relation_code.relation, relation_code.command, reach));
  end if;
  if written then
    code := greatest(code, (
      select max(postern.object_code('pg_type'::regclass, atttypid))
        from pg_attribute
       where attrelid = relation_code.relation and attnum > 0 and not attisdropped
         and atttypid >= 16384 and reach > 0));
  end if;
  if written and (class.relchecks > 0 or class.relhasindex) then
    code := greatest(code, postern.constraint_code(relation_code.relation));
  end if;
  if written and class.relkind = 'p' and exists (
    select from pg_partitioned_table where partrelid = relation_code.relation and partexprs is not null)
  then
    return 'volatile';
  end if;
  if written and class.relhasindex then
    code := greatest(code, postern.index_code(relation_code.relation));
  end if;
  if class.relrowsecurity and reach = 2 then
    code := greatest(code, postern.policy_code(relation_code.relation, relation_code.command));
  end if;
  if class.relhasrules and class.relkind <> 'm' and reach > 0 then
    code := greatest(code, postern.rule_code(relation_code.relation, relation_code.command));
  end if;
  return code;
end
$$;
comment on function postern.relation_code(oid, text, int) is
$$What code of the user's a command runs at one relation. In: a row of postern.reached_relations. Out: null, stable or
volatile. Raises nothing.$$;

create or replace function postern.trigger_code(relation oid, command text, reach int)
returns text
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select max(greatest(postern.tree_code(tgqual::text), postern.object_code(used.kind, used.id)))
      from pg_trigger as t
      join postern.commands() as k on k.command = trigger_code.command and tgtype & trigger_event <> 0
      left join lateral postern.direct_objects('pg_trigger'::regclass, t.oid) as used on true
     where tgrelid = trigger_code.relation
       and tgenabled <> 'D'
       and (reach > 0 or tgtype & 1 <> 0)
       and (tgfoid >= 16384 or tgqual is not null));
end
$$;
comment on function postern.trigger_code(oid, text, int) is
$$What code of the user's the triggers of a relation run. In, Out: as of postern.relation_code. Raises nothing.$$;

create or replace function postern.default_code(relation oid, command text, reach int)
returns text
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select max(greatest(postern.tree_code(adbin::text), postern.object_code(used.kind, used.id)))
      from pg_attrdef as d
      join pg_attribute on attrelid = adrelid and attnum = adnum
      left join lateral (
        select * from postern.direct_objects('pg_attrdef'::regclass, d.oid)
        union all
        select * from postern.direct_objects('pg_class'::regclass, adrelid, adnum)
         where attgenerated <> '' -- before 15
        ) as used on true
     where adrelid = default_code.relation
       and case attgenerated when '' then default_code.command <> 'update' and reach > 0
           else default_code.command in ('insert', 'update') end);
end
$$;
comment on function postern.default_code(oid, text, int) is
$$What code of the user's defaults and generated columns run. In, Out: as of postern.relation_code. Raises nothing.$$;

create or replace function postern.constraint_code(relation oid)
returns text
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select max(greatest(postern.tree_code(conbin::text), postern.object_code(used.kind, used.id)))
      from pg_constraint as c
      left join lateral postern.direct_objects('pg_constraint'::regclass, c.oid) as used on true
     where conrelid = constraint_code.relation
       and contype in ('c', 'x'));
end
$$;
comment on function postern.constraint_code(oid) is
$$What code of the user's the constraints of a relation run. Out: null, stable or volatile. Raises nothing.$$;

create or replace function postern.index_code(relation oid)
returns text
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select max(postern.object_code(used.kind, used.id))
      from pg_index
      join lateral postern.direct_objects('pg_class'::regclass, indexrelid) as used on true
     where indrelid = index_code.relation
       and (indexprs is not null or indpred is not null or 16384 <= any (indclass)));
end
$$;
comment on function postern.index_code(oid) is
$$What code of the user's the indexes of a relation run. Out: null, stable or volatile. Raises nothing.$$;

create or replace function postern.policy_code(relation oid, command text)
returns text
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select max(greatest(postern.tree_code(concat(polqual, polwithcheck)), postern.object_code(used.kind, used.id)))
      from pg_policy as p
      join postern.commands() as k on k.command = policy_code.command and polcmd::text in ('*', 'r', policy_event)
      left join lateral postern.direct_objects('pg_policy'::regclass, p.oid) as used on true
     where polrelid = policy_code.relation);
end
$$;
comment on function postern.policy_code(oid, text) is
$$What code of the user's the policies of a relation run, whatever the role. In: the relation; a command
(postern.commands). Out: null, stable or volatile. Raises nothing.$$;

create or replace function postern.rule_code(relation oid, command text)
returns text
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select max(greatest(postern.tree_code(concat(ev_qual, ev_action)), (
        select max(postern.object_code(used.kind, used.id))
          from postern.direct_objects('pg_rewrite'::regclass, r.oid) as used)))
      from pg_rewrite as r
      join postern.commands() as k on k.command = rule_code.command and ev_type::text in ('1', rule_event)
     where ev_class = rule_code.relation
       and ev_enabled <> 'D');
end
$$;
comment on function postern.rule_code(oid, text) is
$$What code of the user's the rules of a relation run, or the query of a view. In: the relation; a command
(postern.commands). Out: null, stable or volatile. Raises nothing.$$;

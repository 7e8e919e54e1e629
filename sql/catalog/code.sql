-- What code of the user's a statement may run: functions that PostgreSQL does not come with, in SQL, PL/pgSQL or any
-- language but C. The answers are null (none), 'stable' (none that is VOLATILE: it may set response.status or
-- response.headers) and 'volatile' (it may leave something in the session), so that greatest() of two is the worse.
-- What an expression calls is in pg_depend, where what PostgreSQL comes with is not. The queries are small and take one
-- object each, and lateral (.. offset 0) holds the planner to an index.

create or replace function postern.user_code(relation oid, command text)
returns text
language plpgsql stable strict parallel safe
as $$
#variable_conflict use_column
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
#variable_conflict use_column
declare
  written constant boolean := command in ('insert', 'update');
  class pg_catalog.record;
  code pg_catalog.text;
  one pg_catalog.record;
begin
  select relkind, relhastriggers, relhasrules, relrowsecurity, relhasindex, relchecks into class
    from pg_class
   where oid = relation_code.relation;
  if class.relkind = 'f' then
    return 'volatile';
  end if;

  if class.relhastriggers and relation_code.command <> 'select' then
    for one in
      select tgqual::text as tree, refclassid, refobjid
        from pg_trigger
        join postern.commands() as k on k.command = relation_code.command and tgtype & trigger_event <> 0
        left join lateral (
          select refclassid, refobjid
            from pg_depend
           where classid = 'pg_trigger'::regclass
             and objid = pg_trigger.oid
             and refobjid >= 16384
             and refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)
          offset 0) as d on true
       where tgrelid = relation_code.relation
         and tgenabled <> 'D'
         and (reach > 0 or tgtype & 1 <> 0)
         and (tgfoid >= 16384 or tgqual is not null)
    loop
      code := greatest(code, postern.tree_code(one.tree), postern.object_code(one.refclassid, one.refobjid));
    end loop;
  end if;

  if written or relation_code.command = 'default' then
    for one in
      select adbin::text as tree, refclassid, refobjid
        from pg_attrdef
        join pg_attribute on attrelid = adrelid and attnum = adnum
        left join lateral (
          select refclassid, refobjid
            from pg_depend
           where (classid = 'pg_attrdef'::regclass and objid = pg_attrdef.oid
               or classid = 'pg_class'::regclass and objid = adrelid and objsubid = adnum and attgenerated <> ''
             ) -- before 15
             and refobjid >= 16384
             and refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)
          offset 0) as d on true
       where adrelid = relation_code.relation
         and case attgenerated when '' then relation_code.command <> 'update' and reach > 0 else written end
    loop
      code := greatest(code, postern.tree_code(one.tree), postern.object_code(one.refclassid, one.refobjid));
    end loop;
  end if;

  if written then
    for one in
      select atttypid
        from pg_attribute
       where attrelid = relation_code.relation
         and attnum > 0
         and not attisdropped
         and atttypid >= 16384
         and reach > 0
    loop
      code := greatest(code, postern.object_code('pg_type'::regclass, one.atttypid));
    end loop;
  end if;

  if written and (class.relchecks > 0 or class.relhasindex) then
    for one in
      select conbin::text as tree, refclassid, refobjid
        from pg_constraint
        left join lateral (
          select refclassid, refobjid
            from pg_depend
           where classid = 'pg_constraint'::regclass
             and objid = pg_constraint.oid
             and refobjid >= 16384
             and refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)
          offset 0) as d on true
       where conrelid = relation_code.relation
         and contype in ('c', 'x')
    loop
      code := greatest(code, postern.tree_code(one.tree), postern.object_code(one.refclassid, one.refobjid));
    end loop;
  end if;

  if written and class.relkind = 'p' and exists (
    select from pg_partitioned_table where partrelid = relation_code.relation and partexprs is not null)
  then
    return 'volatile';
  end if;

  if written and class.relhasindex then
    for one in
      select refclassid, refobjid
        from pg_index
        join lateral (
          select refclassid, refobjid
            from pg_depend
           where classid = 'pg_class'::regclass
             and objid = indexrelid
             and refobjid >= 16384
             and refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass,
               'pg_opclass'::regclass)
          offset 0) as d on true
       where indrelid = relation_code.relation
         and (indexprs is not null or indpred is not null or 16384 <= any (indclass))
    loop
      code := greatest(code, postern.object_code(one.refclassid, one.refobjid));
    end loop;
  end if;

  if class.relrowsecurity and reach = 2 then
    for one in
      select concat(polqual, polwithcheck) as tree, refclassid, refobjid
        from pg_policy
        join postern.commands() as k on k.command = relation_code.command and polcmd::text in ('*', 'r', policy_event)
        left join lateral (
          select refclassid, refobjid
            from pg_depend
           where classid = 'pg_policy'::regclass
             and objid = pg_policy.oid
             and refobjid >= 16384
             and refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)
          offset 0) as d on true
       where polrelid = relation_code.relation
    loop
      code := greatest(code, postern.tree_code(one.tree), postern.object_code(one.refclassid, one.refobjid));
    end loop;
  end if;

  if class.relhasrules and class.relkind <> 'm' and reach > 0 then
    for one in
      select concat(ev_qual, ev_action) as tree, oid
        from pg_rewrite
        join postern.commands() as k on k.command = relation_code.command and ev_type::text in ('1', rule_event)
       where ev_class = relation_code.relation
         and ev_enabled <> 'D'
    loop
      code := greatest(code, postern.tree_code(one.tree), (
        select max(postern.object_code(refclassid, refobjid))
          from pg_depend
         where classid = 'pg_rewrite'::regclass
           and objid = one.oid
           and refobjid >= 16384
           and refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)));
    end loop;
  end if;
  return code;
end
$$;
comment on function postern.relation_code(oid, text, int) is
$$What code of the user's a command runs at one relation. In: a row of postern.reached_relations. Out: null, stable or
volatile. Raises nothing.$$;

create or replace function postern.commands()
returns table (command text, trigger_event int, rule_event text, policy_event text)
language sql immutable parallel safe
as $$
  values ('select', 0, '1', 'r'), ('insert', 4, '3', 'a'), ('update', 16, '2', 'w'), ('delete', 8, '4', 'd'),
    ('default', 0, null, null)
$$;
comment on function postern.commands() is
$$The commands that a relation may meet, with how pg_trigger (a bit of tgtype), pg_rewrite (ev_type) and pg_policy
(polcmd) call them. default: a foreign key sets columns to their defaults.$$;

create or replace function postern.reached_relations(target oid, done text)
returns table (relation oid, command text, reach int)
language plpgsql stable strict parallel safe
rows 10
as $$
#variable_conflict use_column
declare
  class pg_catalog.record;
begin
  select relkind, relhassubclass, relhastriggers, relhasrules, relrowsecurity into class
    from pg_class
   where oid = target;
  if class.relkind <> 'v' and not class.relrowsecurity and not class.relhassubclass
    and (done = 'select' or not class.relhasrules and not (class.relhastriggers and exists (
      select from pg_trigger where tgrelid = target and tgfoid in (1646, 1647, 1650, 1651, 1652, 1653))))
  then -- nothing but itself
    return query select target, done, 2;
  elsif class is not null then
    return query
    with recursive reached (relation, command, reach) as (
      select target, done, 2
      union
      select next.*
        from reached
        join postern.commands() as k on k.command = reached.command
       cross join lateral (
         select relkind, relhassubclass, relhastriggers, relhasrules, relrowsecurity
           from pg_class
          where oid = reached.relation
         offset 0) as c
       cross join lateral (
         -- The partitions, between which an UPDATE may move a row, or the tables that inherit.
         select inhrelid, also, 0
           from pg_inherits
          cross join unnest(case
            when relkind = 'p' and reached.command = 'update' then '{update,insert,delete}'
            when relkind = 'p' or reached.command <> 'insert' then array[reached.command] end) as also
          where relhassubclass
            and inhparent = reached.relation
         union all
         -- What its foreign keys change elsewhere.
         select tgconstrrelid, also, 1
           from pg_trigger
          cross join unnest(case tgfoid::oid
            when 1646 then '{delete}' -- RI_FKey_cascade_del
            when 1647 then '{update}' -- and _upd
            when 1650 then '{update}' -- RI_FKey_setnull_del
            when 1651 then '{update}'
            when 1652 then '{update,default}' -- RI_FKey_setdefault_del
            when 1653 then '{update,default}' end::text[]) as also
          where relhastriggers
            and tgrelid = reached.relation
            and tgenabled <> 'D'
            and tgtype & trigger_event <> 0
         union all
         -- What a view reads and, where nothing else is done instead, writes; a rule may do anything.
         select refobjid, also, 2
           from pg_rewrite
          cross join lateral (
            select refobjid
              from pg_depend
             where classid = 'pg_rewrite'::regclass
               and objid = pg_rewrite.oid
               and refclassid = 'pg_class'::regclass
               and (refobjid <> reached.relation or ev_type <> '1')
            offset 0) as d
          cross join unnest(case
            when ev_type <> '1' then '{select,insert,update,delete}'
            when exists (
                select from pg_trigger
                where tgrelid = reached.relation and tgtype & 64 <> 0 and tgtype & trigger_event <> 0)
              or exists (
                select from pg_rewrite as r
                where r.ev_class = reached.relation and r.is_instead and r.ev_type::text = rule_event)
            then '{select}'
            else array['select', reached.command] end) as also
          where relhasrules
            and relkind <> 'm'
            and reach > 0
            and ev_class = reached.relation
            and ev_enabled <> 'D'
            and ev_type::text in ('1', rule_event)
         union all
         -- What its policies ask.
         select refobjid, 'select', 2
           from pg_policy
          cross join lateral (
            select refobjid
              from pg_depend
             where classid = 'pg_policy'::regclass
               and objid = pg_policy.oid
               and refclassid = 'pg_class'::regclass
               and refobjid <> reached.relation
            offset 0) as d
          where relrowsecurity
            and reach = 2
            and polrelid = reached.relation
            and polcmd::text in ('*', 'r', policy_event)
         offset 0) as next)
    select * from reached;
  end if;
end
$$;
comment on function postern.reached_relations(oid, text) is
$$What a command on a relation does elsewhere. In: the relation; select, insert, update or delete. Out: relations and
what is done to each (postern.commands), itself first, and how: 2 by its name, 1 by a foreign key, which heeds no
policies, 0 as a partition or heir, which heeds neither rules nor triggers for each statement. Nothing where there is
no such relation. Raises nothing.$$;

create or replace function postern.inserts_plainly(relation oid)
returns boolean
language plpgsql stable strict parallel safe
as $$
#variable_conflict use_column
begin
  return exists (
    select from pg_class
     where oid = inserts_plainly.relation
       and relkind = 'r'
       and not relhasrules
       and not (relhastriggers and exists (
         select from pg_trigger where tgrelid = inserts_plainly.relation and not tgisinternal)));
end
$$;
comment on function postern.inserts_plainly(oid) is
$$Whether an INSERT inserts just the rows that it has. In: a relation. Out: whether it is a table without rules and
without triggers but those of its constraints. Raises nothing.$$;

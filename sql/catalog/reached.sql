-- Which relations a command reaches beside the one it names: partitions, heirs, what foreign keys change, what views
-- and policies read.

create or replace function postern.commands()
returns table (command text, trigger_event int, rule_event text, policy_event text)
language sql immutable parallel safe
as $$
  values ('select', 0, '1', 'r'), ('insert', 4, '3', 'a'), ('update', 16, '2', 'w'), ('delete', 8, '4', 'd'),
    ('default', 0, null, null)
$$;
comment on function postern.commands() is
$$The commands that a relation may meet, as the catalog calls them. Out: the command; its bit of tgtype in pg_trigger,
its ev_type in pg_rewrite, its polcmd in pg_policy. default: a foreign key sets defaults. Raises nothing.$$;

create or replace function postern.reached_relations(target oid, done text)
returns table (relation oid, command text, reach int)
language plpgsql stable strict parallel safe
rows 10
as $$
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
    return query select * from postern.beyond_relation(target, done);
  end if;
end
$$;
comment on function postern.reached_relations(oid, text) is
$$What a command on a relation does elsewhere. In: the relation; select, insert, update or delete. Out: relations and
what is done to each (postern.commands), itself first, and how: 2 by its name, 1 by a foreign key, which heeds no
policies, 0 as a partition or heir, which heeds neither rules nor triggers for each statement. Nothing where there is
no such relation. Raises nothing.$$;

create or replace function postern.beyond_relation(target oid, done text)
returns table (relation oid, command text, reach int)
language plpgsql stable strict parallel safe
rows 10
as $$
#variable_conflict use_column
begin
  return query
  with recursive reached (relation, command, reach) as (
    select target, done, 2
    union
    select next.*
      from reached
      join postern.commands() as k on k.command = reached.command
     cross join lateral (
       select relkind, relhassubclass, relhastriggers, relhasrules, relrowsecurity
         from pg_class where oid = reached.relation offset 0) as c
     cross join lateral (
       -- The partitions, between which an UPDATE may move a row, or the tables that inherit.
       select inhrelid, also, 0
         from pg_inherits
        cross join unnest(case
          when relkind = 'p' and reached.command = 'update' then '{update,insert,delete}'
          when relkind = 'p' or reached.command <> 'insert' then array[reached.command] end) as also
        where relhassubclass and inhparent = reached.relation
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
        where relhastriggers and tgrelid = reached.relation and tgenabled <> 'D' and tgtype & trigger_event <> 0
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
        where relhasrules and relkind <> 'm' and reach > 0
          and ev_class = reached.relation and ev_enabled <> 'D' and ev_type::text in ('1', rule_event)
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
        where relrowsecurity and reach = 2
          and polrelid = reached.relation and polcmd::text in ('*', 'r', policy_event)
       offset 0) as next)
  select * from reached;
end
$$;
comment on function postern.beyond_relation(oid, text) is
$$postern.reached_relations where a relation may reach others. In, Out: as there. Raises nothing.$$;

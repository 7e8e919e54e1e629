-- Domain representations: implicit casts by which a domain's values are read and written in another form.

create or replace function postern.representation(source oid, target oid)
returns text
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select pg_catalog.format('%I.%I', n.nspname, p.proname)
      from pg_catalog.pg_cast c
      join pg_catalog.pg_proc p on p.oid = c.castfunc
      join pg_catalog.pg_namespace n on n.oid = p.pronamespace
     where c.castsource = source
       and c.casttarget = target
       and c.castcontext = 'i'
       and c.castmethod = 'f'
       and exists (select from pg_catalog.pg_type t
                    where t.typtype = 'd'
                      and (t.oid = source and target in ('json'::regtype, 'text'::regtype)
                           or t.oid = target and source in ('json'::regtype, 'text'::regtype)))
       and pg_catalog.has_function_privilege(p.oid, 'execute'));
end
$$;
comment on function postern.representation(oid, oid) is
$$The function that turns a domain into json or text, or those into a domain. In: source and target type. Out: the
schema-qualified, quoted name of the function of the implicit cast between them, null if there is none or the role may
not execute it. Raises nothing. Source: pg_cast; docs/references/api/domain_representations.rst of PostgREST.$$;

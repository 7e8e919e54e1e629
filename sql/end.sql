-- Functions of an earlier version that were not replaced just now are dropped. Statements that were compiled by it
-- expire.
do $$
declare
  gone pg_catalog.regprocedure;
begin
  for gone in
    select p.oid
      from pg_catalog.pg_proc as p
     where p.pronamespace operator(pg_catalog.=) 'postern'::pg_catalog.regnamespace
       and pg_catalog.concat(p.oid, ':', p.xmin) operator(pg_catalog.=) any (
         pg_catalog.string_to_array(pg_catalog.current_setting('postern.replaced', true), ' '))
  loop
    execute pg_catalog.concat('drop function ', gone);
  end loop;
  perform postern.watch_ddl();
  perform postern.advance_epoch();
end
$$;

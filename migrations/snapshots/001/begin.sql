-- What an earlier version installed is noted, so that end.sql can drop what this one does not have.
do $$
begin
  perform pg_catalog.set_config('postern.replaced', (
    select pg_catalog.string_agg(pg_catalog.concat(p.oid, ':', p.xmin), ' ')
      from pg_catalog.pg_proc as p
     where p.pronamespace operator(pg_catalog.=) pg_catalog.to_regnamespace('postern')), true);
end
$$;

-- The roles of the demo, as the cluster's superuser. Roles outlive the database: this file may run again.

do $$
declare
  role_name text;
begin
  -- What the demo's schemas belong to; nobody logs in with it.
  -- anon: visitors without a token. clerk: staff of one shop. customer: one buyer.
  foreach role_name in array array['demo_owner', 'anon', 'clerk', 'customer'] loop
    if not exists (select from pg_roles where rolname = role_name) then
      execute format('create role %I nologin noinherit', role_name);
    end if;
  end loop;
  -- What postern connects as: it may become the other roles and has no rights of its own (noinherit).
  if not exists (select from pg_roles where rolname = 'authenticator') then
    create role authenticator login noinherit;
  end if;
end
$$;

grant anon, clerk, customer to authenticator;

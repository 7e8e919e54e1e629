-- The database of compose.yaml: the demo of make run, whose files are in /demo. Put your own here.
\i /demo/roles.sql
alter role authenticator password 'change me';
alter role anon set statement_timeout = '5s';
alter database app owner to demo_owner;
begin;
set local session_replication_role = replica; -- the rows are made to fit
set local role demo_owner;
set local search_path = '';
\i /demo/types.sql
\i /demo/tables.sql
\i /demo/views.sql
\i /demo/functions.sql
\i /demo/policies.sql
\i /demo/data.sql
\i /demo/comments.sql
commit;
vacuum (analyze);

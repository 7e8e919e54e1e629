-- The database of compose.yaml, as in ../getting-started.md: put your own here.
create schema api;
create table api.shops (
  id int generated always as identity primary key,
  name text not null unique,
  city text not null
);
insert into api.shops (name, city) values ('Quay', 'Sines'), ('Lantern', 'Porto'), ('Anchor', 'Sines');

create role authenticator login noinherit password 'change me';
create role web_anon nologin;
grant web_anon to authenticator;
grant usage on schema api to web_anon;
grant select on all tables in schema api to web_anon;
alter role web_anon set statement_timeout = '5s';

-- A schema whose names, comments and types are hard on who writes JSON, URLs and references.

create schema "odd ""schema""";
set search_path = "odd ""schema""", public;
comment on schema "odd ""schema""" is E'A "title" \\ with {braces}\n\nand a <b>description</b> of ünïcode \U0001F600, a tab\t$$ %s';

create type "kind of/thing" as enum ('', 'it''s', 'a "b"', E'back\\slash', E'new\nline', 'ünï');
comment on type "kind of/thing" is 'An enum with "labels"';
create domain "small number" as int default 3 check (value > 0 and value <= 10);
create domain code as varchar(5) check (value ~ '^[A-Z]\d{2}$');
create domain listed as text not null check (value in ('a', 'b''c'));
create domain "doubled domain" as "small number" check (value <> 5);
create domain "text/x-odd" as text;
create type inner_part as (n int, "the kind" "kind of/thing", at timestamptz);
create type "outer part" as (one inner_part, many inner_part[], doubled "doubled domain");

create table "a/b~c?d#e{f}" (
  "id#" int primary key, "select" text, "order" int, "and" text, "sel.ect" text, "x->y" text, "{}" text, "100%" text, "naïve ☃" text,
  "null" "kind of/thing" default 'it''s', listed listed, code code default 'A12', "many codes" code[]);
comment on table "a/b~c?d#e{f}" is E'Summary "quoted"\n\nDescription\nExample: none';
comment on column "a/b~c?d#e{f}"."{}" is E'Braces\nExample: "b" \\ c';
create table "error" (id int primary key, "select" text);
create table "rpc" (id int primary key);
create table "postern" (id int primary key);
create table "openapi" (id int primary key);
create table "type" (id int primary key);
create table "type.odd" (id int primary key);
create table "get" (id int generated always as identity primary key, twice int generated always as (1 + 1) stored);
create table bare ();
create table "صفحات" ("الاسم" text primary key, odd int references "a/b~c?d#e{f}" ("id#"));
create table loop (id int primary key, up int references loop, "other up" int references loop, loop text);
create table junction (
  a int references "error", b int references "error", c int references "rpc", d int references "rpc",
  primary key (a, b, c, d));
create table kinds (
  id int primary key, span int4range not null, spans datemultirange, whole "outer part", parts inner_part[], grid int[][], amount numeric(6, 2),
  doubled "doubled domain" not null, at timestamp, day date, clock time, zoned timestamptz, raw bytea, bits bit(3), place point,
  anything jsonb default '{"a": null}', row_of "get", network inet, len text check (length(len) > 2 and length(len) < 9), span_of interval,
  "x" xml, "char" "char", oids oidvector);
create view "a view" as select id, up as parent, loop from loop;
create view "two keys" as select "id#" as one, "id#" as two from "a/b~c?d#e{f}";
create materialized view "kept view" as select id from "error";

create function computed(k kinds) returns text language sql stable as 'select ''x''';
create function loops("error") returns setof loop language sql stable rows 1 as 'select * from loop';
create function "odd/function?{x}"("arg one" int, "select" text default 'a''b', "kind" "kind of/thing" default 'a "b"') returns setof "a/b~c?d#e{f}"
  language sql stable as 'select * from "a/b~c?d#e{f}"';
comment on function "odd/function?{x}" is E'Does "nothing"\n\nat all';
create function overloaded(a int) returns int language sql stable as 'select 1';
create function overloaded(a text, b int[] default '{}') returns text language sql stable as 'select ''x''';
create function overloaded(json) returns void language sql as 'select';
create function nothing() returns void language sql as 'select';
create function made(out a int, out "b c" inner_part) language sql stable as 'select 1, null::inner_part';
create function tabled(n int) returns table (a int, "kind" "kind of/thing") language sql stable as 'select 1, null::"kind of/thing"';
create function recorded() returns setof record language sql stable as 'select 1, 2';
create function anything(x anyelement) returns anyelement language sql stable as 'select x';
create function "text" (text) returns "text/x-odd" language sql stable as 'select $1';
create function bytes(bytea) returns bytea language sql stable as 'select $1';
create function many(variadic codes code[]) returns setof code language sql stable as 'select unnest(codes)';
create function composed(p "outer part", k inner_part default null) returns "outer part" language sql stable as 'select p';
create function kinds_of() returns setof kinds language sql stable as 'select * from kinds';
create function bares() returns setof bare language sql stable as 'select * from bare';
create table unread (id int primary key);
create function unread_rows() returns setof unread language sql stable as 'select * from unread';

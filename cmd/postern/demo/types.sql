-- Schemas, enums and domains of the demo: a chain of bookshops, "Quayside Books".

create schema api;      -- exposed, the default
create schema reports;  -- exposed, chosen with the Accept-Profile header
create schema private;  -- not exposed: partitions and helpers

create type api.language as enum ('en', 'fr', 'de', 'es', 'pl', 'tr');
create type api.contribution as enum ('author', 'translator', 'illustrator', 'editor');
create type api.sales_channel as enum ('shop', 'web', 'phone');
create type api.card_tier as enum ('paper', 'cloth', 'leather');
create type api.address_kind as enum ('home', 'work', 'gift');

create domain api.isbn as text check (value ~ '^97[89][0-9]{10}$');
create domain api.money as numeric(9,2) check (value >= 0);
create domain api.email as text check (value ~ '^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:]]+$');
create domain api.stars as smallint check (value between 1 and 5);

-- A domain named like a media type: a function that returns it answers requests for that type.
create domain api."text/html" as text;

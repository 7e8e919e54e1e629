-- The rows: made by arithmetic, so that every machine and every version of PostgreSQL gets the same ones.

-- A number from 0 to size - 1 that looks drawn by lot; salt tells one use from another.
create function pg_temp.draw(n bigint, salt int, size int) returns int
  language sql immutable
  return (((n * 7919 + salt * 104729) % 1000003) * ((n * 613 + salt * 7561) % 999983) * 48271 % 2147483647 % size)::int;

-- The same, small numbers more often than large ones.
create function pg_temp.draw_low(n bigint, salt int, size int) returns int
  language sql immutable
  return (pg_temp.draw(n, salt, 1000)::bigint * pg_temp.draw(n, salt + 1, 1000) * size / 1000000)::int;

create function pg_temp.word(words text[], n bigint, salt int) returns text
  language sql immutable
  return words[1 + pg_temp.draw(n, salt, cardinality(words))];

create function pg_temp.given_name(n bigint, salt int) returns text
  language sql immutable
  return pg_temp.word(array[
    'Ada', 'Aino', 'Amir', 'Anaïs', 'Anton', 'Beatriz', 'Björn', 'Chidi', 'Clara', 'Dmitri', 'Edith', 'Eero', 'Esra', 'Fatima',
    'Félix', 'Greta', 'Hamid', 'Hana', 'Henrik', 'Ines', 'Ivo', 'Jolanta', 'Joaquín', 'Kasia', 'Kenji', 'Leila', 'Lorenzo', 'Łucja',
    'Mads', 'Malika', 'Marguerite', 'Mehmet', 'Mina', 'Nadia', 'Niamh', 'Olu', 'Oskar', 'Paloma', 'Pavel', 'Quentin', 'Rosa', 'Ruben',
    'Saoirse', 'Selma', 'Sunniva', 'Tadeusz', 'Theo', 'Uma', 'Viktor', 'Wanda', 'Xenia', 'Yara', 'Zofia', 'Zoltán'], n, salt);

create function pg_temp.family_name(n bigint, salt int) returns text
  language sql immutable
  return pg_temp.word(array[
    'Adeyemi', 'Albrecht', 'Almeida', 'Aydın', 'Bakker', 'Barros', 'Bergström', 'Brandt', 'Castellano', 'Cohen', 'Dahl', 'Delacroix',
    'Dvořák', 'Eriksen', 'Farouk', 'Ferrari', 'Fontaine', 'García', 'Grünwald', 'Haddad', 'Hakkarainen', 'Horvat', 'Ibsen', 'Ito',
    'Janssen', 'Kaplan', 'Kowalczyk', 'Kuznetsov', 'Lam', 'Laurent', 'Lindqvist', 'Løvås', 'MacLeod', 'Marchetti', 'Moreau', 'Nakamura',
    'Nowak', 'O''Brien', 'Okafor', 'Öztürk', 'Papadakis', 'Pereira', 'Quist', 'Rahimi', 'Rossi', 'Sato', 'Schäfer', 'Silva',
    'Szabó', 'Tanaka', 'Thorne', 'Ueda', 'Varga', 'Vogel', 'Wójcik', 'Wren', 'Yıldız', 'Zając', 'Zhou', 'Zimmer'], n, salt);

create function pg_temp.country(n bigint, salt int) returns text
  language sql immutable
  return pg_temp.word(array['GB', 'FR', 'DE', 'ES', 'PL', 'TR', 'NO', 'SE', 'PT', 'IE', 'NG', 'JP'], n, salt);

create function pg_temp.noun(n bigint, salt int) returns text
  language sql immutable
  return pg_temp.word(array[
    'Lighthouse', 'Ferryman', 'Orchard', 'Cartographer', 'Winter', 'Harbour', 'Clockmaker', 'River', 'Letter', 'Garden', 'Mapmaker',
    'Station', 'Meadow', 'Archive', 'Sparrow', 'Kitchen', 'Island', 'Tide', 'Bridge', 'Violin', 'Comet', 'Baker', 'Forest', 'Mirror',
    'Library', 'Storm', 'Painter', 'Market', 'Lantern', 'Beekeeper', 'Glacier', 'Tram', 'Window', 'Compass', 'Salt', 'Mountain'], n, salt);

create function pg_temp.adjective(n bigint, salt int) returns text
  language sql immutable
  return pg_temp.word(array[
    'Silent', 'Last', 'Hidden', 'Northern', 'Borrowed', 'Crooked', 'Seventh', 'Patient', 'Unwritten', 'Blue', 'Forgotten', 'Little',
    'Distant', 'Burning', 'Honest', 'Careless', 'Golden', 'Stubborn', 'Invisible', 'Paper', 'Restless', 'Second', 'Quiet', 'Wandering'], n, salt);

create function pg_temp.town(n bigint, salt int) returns text
  language sql immutable
  return pg_temp.word(array[
    'Saltmarsh', 'Ferry Hill', 'Port Ellery', 'Greywater', 'Larkhaven', 'Oldbridge', 'St. Brannoc', 'Whitcombe', 'Nordby', 'Kelpness'], n, salt);

-- The catalogue.

insert into api.publishers (id, name, country, founded)
select n, pg_temp.adjective(n, 1) || ' ' || pg_temp.noun(n, 2) || ' ' || (array['Press', 'Books', 'House', 'Verlag', 'Éditions'])[1 + n % 5] || ' ' || n,
  pg_temp.country(n, 3), 1800 + pg_temp.draw(n, 4, 220)
from generate_series(1, 200) n;

insert into api.series (id, name)
select n, 'The ' || pg_temp.noun(n, 5) || ' Chronicles ' || n from generate_series(1, 150) n;

insert into api.genres (id, name, parent_id)
select row_number() over (), name, parent_id
from (values
  ('Fiction', null), ('Non-fiction', null), ('Children', null), ('Comics', null),
  ('Crime', 1), ('Fantasy', 1), ('Historical novels', 1), ('Horror', 1), ('Poetry', 1), ('Romance', 1), ('Science fiction', 1), ('Short stories', 1),
  ('Art', 2), ('Biography', 2), ('Cooking', 2), ('Gardening', 2), ('History', 2), ('Nature', 2), ('Science', 2), ('Travel', 2),
  ('Picture books', 3), ('First readers', 3), ('Young adult', 3), ('Manga', 4), ('Graphic novels', 4),
  ('Nordic crime', 5), ('Cosy crime', 5), ('Urban fantasy', 6), ('Epic fantasy', 6), ('Space opera', 11), ('Climate fiction', 11),
  ('Architecture', 13), ('Photography', 13), ('Baking', 15), ('Ancient history', 17), ('Maritime history', 17), ('Birds', 18), ('Mathematics', 19),
  ('Sailing', 20), ('Railways', 20)
) as genre (name, parent_id);

insert into api.authors (id, given_name, family_name, country, born, pen_names)
select n, pg_temp.given_name(n, 10), pg_temp.family_name(n, 11), pg_temp.country(n, 12), 1900 + pg_temp.draw(n, 13, 105),
  case when n % 9 = 0 then array[pg_temp.given_name(n, 14) || ' ' || pg_temp.family_name(n, 15)] else '{}' end
from generate_series(1, 2000) n;

insert into api.books (id, isbn, title, subtitle, publisher_id, series_id, series_number, language, published, price, in_print, reading_age, tags, attributes)
select n,
  -- ISO 2108: the weighted sum of all thirteen digits is a multiple of ten.
  stem || (10 - (select sum(substr(stem, i, 1)::int * case i % 2 when 0 then 3 else 1 end) from generate_series(1, 12) i) % 10) % 10,
  case n % 5
    when 0 then 'The ' || pg_temp.adjective(n, 20) || ' ' || pg_temp.noun(n, 21)
    when 1 then 'A ' || pg_temp.noun(n, 21) || ' in ' || pg_temp.town(n, 22)
    when 2 then pg_temp.noun(n, 21) || ' and ' || pg_temp.noun(n, 23)
    when 3 then 'The ' || pg_temp.noun(n, 21) || '''s ' || pg_temp.noun(n, 24)
    else pg_temp.adjective(n, 20) || ' ' || pg_temp.town(n, 22)
  end,
  case when n % 3 = 0 then 'A ' || lower(pg_temp.adjective(n, 25)) || ' tale of the ' || lower(pg_temp.noun(n, 26)) end,
  1 + pg_temp.draw_low(n, 27, 200),
  case when n % 8 = 0 then 1 + n / 8 % 150 end, case when n % 8 = 0 then 1 + n / 8 / 150 end,
  (enum_range(null::api.language))[1 + pg_temp.draw_low(n, 28, 6)],
  date '1965-01-01' + pg_temp.draw(n, 29, 22400),
  4.99 + pg_temp.draw_low(n, 30, 60), n % 11 <> 0,
  int4range(pg_temp.draw(n, 31, 16), case when n % 4 = 0 then 99 end),
  array(select distinct pg_temp.word(array['sea', 'travel', 'family', 'mystery', 'war', 'love', 'food', 'music', 'winter', 'city'], n, t) from generate_series(32, 31 + n % 4) t order by 1),
  jsonb_build_object('binding', pg_temp.word(array['hardback', 'paperback', 'ebook'], n, 36), 'awards', pg_temp.draw_low(n, 37, 5),
    'size', jsonb_build_object('chapters', 8 + pg_temp.draw(n, 38, 40), 'maps', n % 7 = 0))
from generate_series(1, 6000) n, lateral (select '978' || lpad((n::bigint * 137438691 % 1000000000)::text, 9, '0')) as isbn (stem);

insert into api.book_details (book_id, pages, width_mm, height_mm, weight_g, blurb)
select n, 48 + pg_temp.draw(n, 40, 800), 105 + pg_temp.draw(n, 41, 80), 170 + pg_temp.draw(n, 42, 120), 120 + pg_temp.draw(n, 43, 900),
  format('When the %s of %s meets a %s stranger, nothing on the coast stays as it was. "%s" is a book about a %s, and about leaving home.',
    lower(pg_temp.noun(n, 44)), pg_temp.town(n, 45), lower(pg_temp.adjective(n, 46)), pg_temp.adjective(n, 47), lower(pg_temp.noun(n, 48)))
from generate_series(1, 6000) n;

insert into api.book_authors (book_id, author_id, contribution, position)
select n, 1 + pg_temp.draw_low(n, 50 + p * 2, 2000), (enum_range(null::api.contribution))[case p when 1 then 1 else 1 + pg_temp.draw(n, 60 + p, 4) end], p
from generate_series(1, 6000) n, generate_series(1, 1 + n % 3 % 2 + n % 10 / 9) p
on conflict do nothing;

insert into api.book_genres (book_id, genre_id)
select n, 1 + pg_temp.draw(n, 70 + g, 40)
from generate_series(1, 6000) n, generate_series(1, 1 + n % 3) g
on conflict do nothing;

-- Shops and staff.

insert into api.shops (id, name, city, opened, phones, opening_hours, place)
select n, 'Quayside Books ' || city, city, date '1978-05-01' + n::int * 640, array['+44 1632 9600' || to_char(n, 'FM00'), '+44 1632 9601' || to_char(n, 'FM00')],
  jsonb_build_object('mon-fri', jsonb_build_array('09:00', case n % 3 when 0 then '20:00' else '18:30' end), 'sat', jsonb_build_array('09:00', '17:00'), 'sun', null),
  point(-4.5 + n * 0.21, 50.1 + n % 9 * 0.37)
from unnest(array[
  'Saltmarsh', 'Ferry Hill', 'Port Ellery', 'Greywater', 'Larkhaven', 'Oldbridge', 'St. Brannoc', 'Whitcombe', 'Nordby', 'Kelpness', 'Amberley',
  'Brackwater', 'Cold Norton', 'Dunmere', 'Eastquay', 'Fairlight', 'Gullane', 'Hythe', 'Inverlee', 'Jarrow', 'Kingswear', 'Lowestoft', 'Mevagissey',
  'Newhaven', 'Overstrand']) with ordinality as shop (city, n);

-- Seven to a shop: the first leads the shop and reports to the first of all, the others report to theirs.
insert into api.employees (id, shop_id, manager_id, name, job, speaks)
select n, shop_id, case when n = 1 then null when n % 7 = 1 then 1 else shop_id * 7 - 6 end, pg_temp.given_name(n, 80) || ' ' || pg_temp.family_name(n, 81),
  case n % 7 when 1 then 'manager' when 2 then 'buyer' when 3 then 'events' when 4 then 'cashier' else 'bookseller' end,
  case n % 4 when 0 then array['en', 'fr'] when 1 then array['en', 'de', 'pl'] else array['en'] end::api.language[]
from generate_series(1, 175) n, lateral (select (n + 6) / 7) as shop (shop_id);

insert into api.employee_contracts (employee_id, salary, weekly_hours, valid)
select n, 24000 + pg_temp.draw(n, 82, 90) * 250 + case when n % 7 = 1 then 14000 else 0 end, 20 + 2.5 * pg_temp.draw(n, 83, 8), daterange(date '2015-01-01' + pg_temp.draw(n, 84, 3600), null)
from generate_series(1, 175) n;

-- Every shop has books of its own and, of the best known hundred, all.
insert into api.stock (shop_id, book_id, quantity, reorder_at, shelf)
select shop, book, pg_temp.draw_low(shop * 6000 + book, 85, 24), 2 + book % 4, chr(65 + book % 20) || to_char(1 + pg_temp.draw(book, 86, 30), 'FM00')
from generate_series(1, 25) shop, generate_series(1, 6000) book
where book <= 100 or (book + shop * 3) % 4 = 0;

insert into api.promotions (id, name, percent_off, valid)
select n, pg_temp.adjective(n, 90) || ' ' || pg_temp.word(array['days', 'week', 'sale', 'offers'], n, 91), 5 * (1 + pg_temp.draw(n, 92, 8)),
  daterange(date '2024-01-01' + n * 45, date '2024-01-01' + n * 45 + 14 + pg_temp.draw(n, 93, 20))
from generate_series(1, 24) n;

insert into api.promotion_books (promotion_id, book_id)
select 1 + n % 24, 1 + pg_temp.draw(n, 94, 6000) from generate_series(1, 1200) n
on conflict do nothing;

-- People.

insert into api.customers (id, name, email, joined, favourite_shop_id, preferences)
select n, given || ' ' || family, 'reader' || n || '@example.org', date '2012-01-01' + pg_temp.draw(n, 100, 4800), case when n % 10 <> 0 then 1 + pg_temp.draw(n, 101, 25) end,
  jsonb_build_object('newsletter', n % 3 = 0, 'language', (enum_range(null::api.language))[1 + pg_temp.draw_low(n, 102, 6)], 'genres', jsonb_build_array(1 + pg_temp.draw(n, 103, 40), 1 + pg_temp.draw(n, 104, 40)))
from generate_series(1, 5000) n, lateral (select pg_temp.given_name(n, 105), pg_temp.family_name(n, 106)) as name (given, family);

insert into api.loyalty_cards (customer_id, number, tier, points, valid)
select n, 'QB-' || to_char(n * 7919 % 100000, 'FM00000') || '-' || n % 7, (enum_range(null::api.card_tier))[1 + pg_temp.draw_low(n, 107, 3)], pg_temp.draw_low(n, 108, 4000),
  daterange(date '2023-01-01' + pg_temp.draw(n, 109, 700), date '2027-01-01' + pg_temp.draw(n, 109, 700))
from generate_series(1, 5000) n where n % 5 <> 0 or n < 100;

insert into api.addresses (id, customer_id, kind, street, postcode, city)
select row_number() over (order by n, k), n, (enum_range(null::api.address_kind))[k], 1 + pg_temp.draw(n, 110 + k, 120) || ' ' || pg_temp.noun(n, 113 + k) || ' Street', 'QB' || 1 + pg_temp.draw(n, 116 + k, 40), pg_temp.town(n, 119 + k)
from generate_series(1, 5000) n, generate_series(1, 1 + n % 7 / 6 + n % 50 / 49) k;

-- What people do.

insert into api.sales (id, sold_on, shop_id, employee_id, customer_id, channel)
select n, date '2024-01-01' + n * 912 / 30000, shop, case when channel <> 'web' then shop * 7 - pg_temp.draw(n, 132, 7) end, case when n % 4 <> 0 then 1 + pg_temp.draw_low(n, 133, 5000) end, channel
from generate_series(1, 30000) n, lateral (select 1 + pg_temp.draw_low(n, 130, 25), (enum_range(null::api.sales_channel))[1 + pg_temp.draw_low(n, 135, 3)]) as at (shop, channel);

insert into api.sale_lines (sale_id, sold_on, line, book_id, quantity, unit_price)
select s.id, s.sold_on, l, b.id, 1 + pg_temp.draw_low(s.id, 146 + l, 3), b.price
from api.sales s cross join generate_series(1, 1 + s.id::int % 4) l join api.books b on b.id = 1 + pg_temp.draw_low(s.id, 140 + l * 2, 6000);

insert into api.reviews (id, book_id, customer_id, stars, body, written_at)
select row_number() over (order by n), book, customer, 5 - pg_temp.draw_low(n, 154, 5),
  case when n % 6 <> 0 then format('%s, and %s. I read it on the train to %s.', pg_temp.word(array['Slow at first', 'Gripping', 'Not for me', 'Beautifully made', 'Funny', 'A little long'], n, 155),
    pg_temp.word(array['the ending surprised me', 'I gave it to my sister', 'the maps are lovely', 'I wanted more of the ferry', 'my children asked for it again'], n, 156), pg_temp.town(n, 157)) end,
  timestamptz '2024-01-01 08:00+00' + n * interval '97 minutes'
from (
  select distinct on (book, customer) n, book, customer
  from generate_series(1, 12000) n, lateral (select 1 + pg_temp.draw_low(n, 150, 6000), 1 + pg_temp.draw(n, 152, 5000)) as who (book, customer)
  order by book, customer, n
) review;

insert into api.wishes (customer_id, book_id, note, added)
select 1 + pg_temp.draw_low(n, 160, 5000), 1 + pg_temp.draw_low(n, 162, 6000), case when n % 5 = 0 then 'for ' || pg_temp.given_name(n, 164) end, date '2024-01-01' + n % 900
from generate_series(1, 8000) n
on conflict do nothing;

-- One a week and shop, from 2026 on for three years: some are always still to come.
insert into api.events (id, shop_id, title, during, seats, price)
select n, 1 + n % 25, pg_temp.word(array['Reading: ', 'Signing: ', 'Talk: ', 'Book club: '], n, 170) || 'The ' || pg_temp.adjective(n, 171) || ' ' || pg_temp.noun(n, 172),
  tstzrange(starts, starts + interval '90 minutes'), 15 + pg_temp.draw(n, 173, 60), pg_temp.draw_low(n, 174, 20)
from generate_series(1, 3900) n, lateral (select timestamptz '2026-01-05 18:30+00' + n / 25 * interval '7 days' + n % 5 * interval '1 day') as at (starts);

insert into api.event_guests (event_id, author_id)
select n, 1 + pg_temp.draw(n, 175 + g, 2000) from generate_series(1, 3900) n, generate_series(1, 1 + n % 2) g
on conflict do nothing;

insert into api.event_bookings (event_id, customer_id, seats, booked_at)
select 1 + n % 1000, 1 + pg_temp.draw(n, 180, 5000), 1 + n % 3, timestamptz '2025-12-01 09:00+00' + n * interval '13 minutes'
from generate_series(1, 6000) n
on conflict do nothing;

insert into api.visits (id, shop_id, counted_at, visitors)
select n, 1 + n % 25, timestamptz '2026-05-01 09:00+00' + n / 25 * interval '1 hour', pg_temp.draw(n, 190, 80) from generate_series(1, 10000) n;

-- Numbers go on after the ones given.
do $$
declare
  numbered record;
begin
  for numbered in
    select format('api.%I', table_name) as name, column_name as column
    from information_schema.columns where table_schema = 'api' and is_identity = 'YES'
  loop
    execute format('select setval(pg_get_serial_sequence(%L, %L), max(%I)) from %s', numbered.name, numbered.column, numbered.column, numbered.name);
  end loop;
  perform setval('private.sale_number', max(id)) from api.sales;
end
$$;

refresh materialized view reports.bestsellers;

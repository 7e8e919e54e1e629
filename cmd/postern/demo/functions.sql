-- Functions: private helpers, computed fields and relationships, then what is called under /rpc.

create function private.claim(name text) returns text
  language sql stable parallel safe
  return nullif(current_setting('request.jwt.claims', true), '')::json ->> name;

-- Computed fields: they are selected, filtered and ordered by like columns.

create function api.full_name(author api.authors) returns text
  language sql immutable parallel safe
  return author.given_name || ' ' || author.family_name;

create function api.copies_in_stock(book api.books) returns bigint
  language sql stable parallel safe
  return (select coalesce(sum(k.quantity), 0) from api.stock k where k.book_id = book.id);

-- Computed relationship: it is embedded like a foreign key.
create function api.latest_reviews(book api.books) returns setof api.reviews
  rows 3 language sql stable parallel safe
begin atomic
  select r.* from api.reviews r where r.book_id = book.id order by r.written_at desc limit 3;
end;

-- Scalar, with a default.
create function api.reading_time(pages int, pages_per_hour int default 40) returns int
  language sql stable strict parallel safe
  return (pages * 60 + pages_per_hour - 1) / pages_per_hour;

create function api.whoami() returns jsonb
  language sql stable parallel safe
  return jsonb_build_object('role', current_user, 'claims', nullif(current_setting('request.jwt.claims', true), '')::jsonb);

-- Set-returning: what it returns is filtered, ordered, paged and embedded like the table.
create function api.search_books(query text, language api.language default null, max_price numeric default null)
  returns setof api.books
  language sql stable parallel safe
begin atomic
  select b.*
  from api.books b
  where b.search @@ websearch_to_tsquery('english', search_books.query)
    and (search_books.language is null or b.language = search_books.language)
    and (search_books.max_price is null or b.price <= search_books.max_price)
  order by ts_rank(b.search, websearch_to_tsquery('english', search_books.query)) desc, b.id;
end;

create function api.average_stars(variadic book_ids int[]) returns numeric
  language sql stable parallel safe
  return (select round(avg(r.stars), 2) from api.reviews r where r.book_id = any(book_ids));

-- Volatile: a clerk sells from the shop's own stock. Called with POST.
create function api.sell(book_id int, quantity int default 1, channel api.sales_channel default 'shop', customer_id int default null)
  returns api.sale_lines
  language plpgsql
as $$
#variable_conflict use_column
declare
  own_shop int := private.claim('shop_id')::int;
  sale_day date := current_date;
  sale_id bigint;
  sold api.sale_lines;
begin
  update api.stock k set quantity = k.quantity - sell.quantity
  where k.shop_id = own_shop and k.book_id = sell.book_id and k.quantity >= sell.quantity;
  if not found then
    raise exception 'Not enough copies in stock' using
      errcode = 'PT409', detail = format('shop %s, book %s', own_shop, sell.book_id), hint = 'GET /stock tells what is there.';
  end if;
  insert into api.sales as s (sold_on, shop_id, employee_id, customer_id, channel)
  values (sale_day, own_shop, private.claim('employee_id')::int, sell.customer_id, sell.channel)
  returning s.id into sale_id;
  insert into api.sale_lines as l (sale_id, sold_on, line, book_id, quantity, unit_price)
  select sale_id, sale_day, 1, b.id, sell.quantity, b.price from api.books b where b.id = sell.book_id
  returning l.* into sold;
  return sold;
end
$$;

-- Volatile: a customer wishes for a book; wishing again changes the note.
create function api.wish(book_id int, note text default null) returns api.wishes
  language sql
begin atomic
  insert into api.wishes as w (customer_id, book_id, note)
  values (private.claim('customer_id')::int, wish.book_id, wish.note)
  on conflict (customer_id, book_id) do update set note = excluded.note
  returning w.*;
end;

-- One unnamed parameter: the whole body of the request is the argument.
create function api.import_visits(jsonb) returns int
  language sql
begin atomic
  with added as (
    insert into api.visits (shop_id, counted_at, visitors)
    select v.shop_id, coalesce(v.counted_at, now()), v.visitors
    from jsonb_to_recordset($1) as v (shop_id int, counted_at timestamptz, visitors int)
    returning 1
  )
  select count(*)::int from added;
end;

-- Answers with its own media type: curl -H 'Accept: text/html'.
create function api.shelf_card(book_id int) returns api."text/html"
  language sql stable parallel safe
  return (
    select format('<article><h1>%s</h1><p>%s</p><p>%s</p></article>',
      replace(replace(b.title, '&', '&amp;'), '<', '&lt;'), b.isbn, b.price)
    from api.books b where b.id = book_id
  );

-- Row level security counts here: a clerk sees the own shop's months, a customer the own purchases.
create function reports.sales_by_month(first_month date default '2026-01-01', last_month date default '2026-06-01')
  returns table (month date, sales bigint, revenue numeric)
  language sql stable parallel safe
begin atomic
  select date_trunc('month', s.sold_on)::date, count(distinct s.id), sum(l.total)
  from api.sales s join api.sale_lines l on l.sale_id = s.id and l.sold_on = s.sold_on
  where s.sold_on >= date_trunc('month', first_month) and s.sold_on < date_trunc('month', last_month) + interval '1 month'
  group by 1 order by 1;
end;

create function reports.refresh_bestsellers() returns void
  language plpgsql security definer
  set search_path = ''
as $$
begin
  refresh materialized view concurrently reports.bestsellers;
end
$$;

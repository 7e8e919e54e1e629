-- Who may do what: grants by table, row level security by the claims of the token.
--   anon      reads the catalogue, the shops and the reviews
--   customer  also reads and changes what is theirs   (claim customer_id)
--   clerk     also works with their own shop          (claims shop_id, employee_id)

grant usage on schema api, reports, private to anon, clerk, customer;
revoke execute on all functions in schema api, reports, private from public;
grant execute on all functions in schema api, private to anon, clerk, customer;
revoke execute on function api.sell, api.wish from anon;
revoke execute on function api.sell from customer;
revoke execute on function api.wish from clerk;
grant execute on function reports.sales_by_month to clerk, customer;
grant execute on function reports.refresh_bestsellers to clerk;

grant select on
  api.publishers, api.series, api.genres, api.authors, api.books, api.book_details, api.book_authors, api.book_genres,
  api.shops, api.employees, api.stock, api.reviews, api.events, api.event_guests, api.promotions, api.promotion_books,
  api.visits, api.catalogue, api.bargains, api.events_to_come, reports.genre_paths, reports.bestsellers
  to anon, clerk, customer;
grant insert, update on api.visits to anon, clerk;

grant select, update (name, email, favourite_shop_id, preferences) on api.customers to customer;
grant select on api.loyalty_cards, api.sales, api.sale_lines to customer;
grant select, insert, update, delete on api.addresses, api.wishes, api.reviews, api.event_bookings to customer;

grant insert, update, delete on
  api.publishers, api.series, api.authors, api.books, api.book_details, api.book_authors, api.book_genres, api.bargains,
  api.events, api.event_guests, api.promotions, api.promotion_books
  to clerk;
grant insert, update on api.stock to clerk;
grant select on api.customers, api.loyalty_cards, api.event_bookings, api.employee_contracts to clerk;
grant select, insert, update on api.sales, api.sale_lines to clerk;
grant select on reports.shop_months, reports.low_stock to clerk;
grant usage on sequence private.sale_number to clerk;

-- The claim is read once a query, not once a row: hence the sub-selects.

alter table api.customers enable row level security;
create policy own on api.customers to customer
  using (id = (select private.claim('customer_id')::int));
create policy own_shop on api.customers for select to clerk
  using (favourite_shop_id = (select private.claim('shop_id')::int));

alter table api.loyalty_cards enable row level security;
create policy own on api.loyalty_cards to customer
  using (customer_id = (select private.claim('customer_id')::int));
create policy own_shop on api.loyalty_cards for select to clerk
  using (exists (select from api.customers c where c.id = loyalty_cards.customer_id));

alter table api.addresses enable row level security;
create policy own on api.addresses to customer
  using (customer_id = (select private.claim('customer_id')::int));

alter table api.wishes enable row level security;
create policy own on api.wishes to customer
  using (customer_id = (select private.claim('customer_id')::int));

alter table api.sales enable row level security;
create policy own on api.sales for select to customer
  using (customer_id = (select private.claim('customer_id')::int));
create policy own_shop on api.sales to clerk
  using (shop_id = (select private.claim('shop_id')::int));

-- A line is seen by who sees its sale.
alter table api.sale_lines enable row level security;
create policy own on api.sale_lines to customer, clerk
  using (exists (select from api.sales s where s.id = sale_lines.sale_id and s.sold_on = sale_lines.sold_on));

alter table api.reviews enable row level security;
create policy everyone on api.reviews for select to anon, clerk, customer using (true);
create policy own on api.reviews to customer
  using (customer_id = (select private.claim('customer_id')::int));

alter table api.event_bookings enable row level security;
create policy own on api.event_bookings to customer
  using (customer_id = (select private.claim('customer_id')::int));
create policy own_shop on api.event_bookings for select to clerk
  using (exists (select from api.events e where e.id = event_bookings.event_id and e.shop_id = (select private.claim('shop_id')::int)));

alter table api.stock enable row level security;
create policy everyone on api.stock for select to anon, clerk, customer using (true);
create policy own_shop on api.stock to clerk
  using (shop_id = (select private.claim('shop_id')::int));

alter table api.employee_contracts enable row level security;
create policy own on api.employee_contracts for select to clerk
  using (employee_id = (select private.claim('employee_id')::int));

-- What the API's description (GET /, OpenAPI) says about schemas, tables, columns and functions.

comment on schema api is 'Quayside Books

The catalogue, shops, customers and sales of a chain of bookshops: made-up data to try an API with.';
comment on schema reports is 'Quayside Books, reports

What the shops sold, by month, by book, by genre.';
comment on schema private is 'Not exposed: partitions and helpers.';

comment on table api.publishers is 'Who brings out books.';
comment on column api.publishers.country is 'ISO 3166-1, two letters.';
comment on column api.publishers.founded is 'Year.';
comment on table api.series is 'Books that belong together, in an order.';
comment on table api.genres is 'Kinds of books: a tree, each genre below its parent.';
comment on column api.genres.parent_id is 'The wider genre; none for the widest.';
comment on table api.authors is 'People who write, translate, illustrate or edit books.';
comment on column api.authors.born is 'Year.';
comment on column api.authors.pen_names is 'Other names they publish under.';
comment on table api.books is 'Books, in and out of print.

One row an edition. Prices are in pounds.';
comment on column api.books.isbn is 'ISO 2108, thirteen digits without hyphens.';
comment on column api.books.series_number is 'Place in the series, from 1.';
comment on column api.books.price is 'List price in pounds.';
comment on column api.books.reading_age is 'Ages in years it is meant for.';
comment on column api.books.tags is 'Free key words.';
comment on column api.books.attributes is 'binding, awards (number), size: chapters (number), maps (true or false).';
comment on column api.books.search is 'Words of title and subtitle, for full-text search.';
comment on table api.book_details is 'Size and blurb of a book: one row for each.';
comment on column api.book_details.area_mm2 is 'Computed from width and height.';
comment on table api.book_authors is 'Who had which part in a book.';
comment on column api.book_authors.position is 'Place on the title page, from 1.';
comment on table api.book_genres is 'Which book is of which genre.';
comment on table api.shops is 'The shops.';
comment on column api.shops.opening_hours is 'By day: opens, closes; null when closed.';
comment on column api.shops.place is 'Longitude and latitude.';
comment on table api.employees is 'Who works in which shop.';
comment on column api.employees.manager_id is 'Whom they report to.';
comment on table api.employee_contracts is 'Pay and hours: each clerk sees the own contract only.';
comment on column api.employee_contracts.salary is 'Pounds a year before tax.';
comment on table api.stock is 'How many copies of a book a shop has.';
comment on column api.stock.reorder_at is 'Fewer copies than this, and the buyer orders.';
comment on table api.customers is 'Customers: each sees the own row, a clerk those of the own shop.';
comment on column api.customers.preferences is 'newsletter (true or false), language, genres (list of numbers).';
comment on table api.loyalty_cards is 'One card a customer at most.';
comment on table api.addresses is 'One address of each kind a customer at most.';
comment on table api.sales is 'Sales, partitioned by day: each customer sees the own ones, a clerk those of the own shop.';
comment on column api.sales.customer_id is 'Unknown for who pays without a card.';
comment on table api.sale_lines is 'What a sale consists of.';
comment on column api.sale_lines.unit_price is 'Pounds, on the day of sale.';
comment on column api.sale_lines.total is 'Computed: quantity times unit price.';
comment on table api.reviews is 'What customers think of books; everyone may read them.';
comment on column api.reviews.stars is 'From 1 to 5.';
comment on table api.wishes is 'Books that customers would like to have.';
comment on table api.events is 'Readings, signings, talks: one at a time in a shop.';
comment on table api.event_guests is 'Which authors come.';
comment on table api.event_bookings is 'Which customers come, and how many they bring.';
comment on table api.promotions is 'Books for less, for some days.';
comment on column api.promotions.percent_off is 'From 1 to 90.';
comment on table api.promotion_books is 'Which books are part of a promotion.';
comment on table api.visits is 'Visitors counted at the doors: rows come in without a login.';

comment on view api.catalogue is 'Books in print with their publisher, pages and mean rating.';
comment on view api.bargains is 'Books under 8 pounds; new ones must be under 8 pounds too.';
comment on view api.events_to_come is 'Events that have not begun, with the seats that are left.';
comment on view reports.genre_paths is 'Genres with all genres above them.';
comment on view reports.shop_months is 'Sales by shop and month.';
comment on view reports.low_stock is 'What a shop should order.';
comment on materialized view reports.bestsellers is 'Books by copies sold; renewed by refresh_bestsellers.';

comment on function private.claim is 'A claim of the request''s token as text; null without a token or claim.';
comment on function api.full_name is 'Given and family name.';
comment on function api.copies_in_stock is 'Copies in all shops.';
comment on function api.latest_reviews is 'The three newest reviews of a book.';
comment on function api.reading_time is 'Minutes

How long a book of so many pages takes to read, in minutes, rounded up.';
comment on function api.whoami is 'The role and the claims of the request.';
comment on function api.search_books is 'Full-text search

Books whose title or subtitle match a query as one types it into a search engine, the best matches first; if wanted only those in one language or up to a price.';
comment on function api.average_stars is 'Mean rating of one or several books.';
comment on function api.sell is 'Sell copies

Takes copies from the stock of the clerk''s shop and records the sale; status 409 when there are not enough.';
comment on function api.wish is 'Put a book on the customer''s list of wishes, or change the note there.';
comment on function api.import_visits is 'Add counts in bulk: the body is a list of objects with shop_id, visitors and, if known, counted_at. Returns how many were added.';
comment on function api.shelf_card is 'A book''s card for the shelf, as HTML.';
comment on function reports.sales_by_month is 'Sales and revenue by month, of what the role may see.';
comment on function reports.refresh_bestsellers is 'Renew the bestsellers.';

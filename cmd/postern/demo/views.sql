-- Views over the catalogue, in api, and over sales, in reports. A view reads with its owner's rights and so past row
-- level security: what is granted on it decides who sees it.

-- Embeds like the table below it: its keys are those of books and publishers.
create view api.catalogue as
  select
    b.id, b.isbn, b.title, b.language, b.published, b.price, b.publisher_id, p.name as publisher,
    d.pages, (select round(avg(r.stars), 2) from api.reviews r where r.book_id = b.id) as stars
  from api.books b
    join api.publishers p on p.id = b.publisher_id
    left join api.book_details d on d.book_id = b.id
  where b.in_print;

-- A simple view can be written to; the check option keeps new rows within it.
create view api.bargains as
  select b.id, b.isbn, b.title, b.publisher_id, b.language, b.published, b.price
  from api.books b
  where b.price < 8
  with check option;

create view api.events_to_come as
  select e.id, e.shop_id, e.title, lower(e.during) as starts, e.seats, e.price,
    e.seats - coalesce((select sum(b.seats) from api.event_bookings b where b.event_id = e.id), 0) as seats_left
  from api.events e
  where lower(e.during) > now();

-- Every genre with the genres above it.
create view reports.genre_paths as
  with recursive path (id, name, parent_id, depth, names) as (
    select g.id, g.name, g.parent_id, 0, array[g.name] from api.genres g where g.parent_id is null
    union all
    select g.id, g.name, g.parent_id, p.depth + 1, p.names || g.name
    from api.genres g join path p on g.parent_id = p.id
  )
  select id, name, parent_id, depth, array_to_string(names, ' / ') as path from path;

create view reports.shop_months as
  select s.shop_id, date_trunc('month', s.sold_on)::date as month,
    count(distinct s.id) as sales, sum(l.quantity) as books, sum(l.total) as revenue
  from api.sales s join api.sale_lines l on l.sale_id = s.id and l.sold_on = s.sold_on
  group by 1, 2;

create view reports.low_stock as
  select k.shop_id, k.book_id, k.quantity, k.reorder_at, k.reorder_at - k.quantity as missing
  from api.stock k
  where k.quantity < k.reorder_at;

-- Kept, not computed at each read: reports.refresh_bestsellers() renews it.
create materialized view reports.bestsellers as
  select b.id as book_id, b.title, b.publisher_id, sum(l.quantity) as copies, sum(l.total) as revenue,
    rank() over (order by sum(l.quantity) desc) as rank
  from api.sale_lines l join api.books b on b.id = l.book_id
  group by b.id
  with no data;
create unique index on reports.bestsellers (book_id);
create index on reports.bestsellers (rank);

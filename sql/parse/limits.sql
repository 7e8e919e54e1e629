create or replace function postern.limit_of(name text)
returns int
language sql immutable parallel safe
as $$
  select case name
    when 'select depth' then 32       -- embeds within embeds
    when 'logic depth' then 64        -- and/or within and/or
    when 'path depth' then 64         -- arrows after one column
    when 'select items' then 1600     -- columns and embeds of one relation; PostgreSQL has rows of no more
    when 'order terms' then 64
    when 'parameters' then 4096       -- of the query string, and fields of a form
    when 'select length' then 131072
    when 'order length' then 131072
    when 'columns length' then 131072
    when 'logic length' then 262144
    when 'filter key length' then 16384
    when 'filter length' then 256     -- what stands before the value; a value has no limit here
    when 'path references' then 100   -- of an operation of a batch
    when 'referred bytes' then 1048576 -- of values that a batch refers to
  end
$$;
comment on function postern.limit_of(text) is
  'The bounds of the URL grammar, which keep parsers within the stack and linear; PostgREST has none. In: a limit''s '
  'name. Out: depths in levels, lengths in characters, others in pieces; null for no such limit. Raises nothing.';

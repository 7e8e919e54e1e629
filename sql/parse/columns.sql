create or replace function postern.parse_columns(source text)
returns text[]
language plpgsql immutable strict parallel safe
as $$
declare
  tokens constant pg_catalog.text[] := postern.tokens(source, 'columns');
  at int := 1;
  named pg_catalog.record;
  names pg_catalog.text[] := array[]::text[];
begin
  loop
    named := postern.scan_name('columns', tokens, at);
    names := array_append(names, named.name);
    at := postern.skip_blanks(tokens, named.at);
    exit when tokens[at] is distinct from ',';
    at := postern.skip_blanks(tokens, at + 1);
  end loop;
  return names;
end
$$;
comment on function postern.parse_columns(text) is
  'Parses columns= and on_conflict=. In: the text. Out: the names, in order, repeated ones too. What follows the list '
  'is ignored, as in PostgREST. Raises PGRST100, also on "". Source: PostgREST docs, references/api/tables_views.';

create or replace function postern.parse_select(source text)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
begin
  return case when source = '' then '[]'
    else (postern.scan_select(postern.tokens(source, 'select'), 1, 0)).items end;
end
$$;
comment on function postern.parse_select(text) is
  'Parses select=. In: the text, "id,alias:data->>key::int,total:amount.sum(),clients!inner(name),...films(title)". '
  'Out: array of items {"type":"field","name","path"?,"alias"?,"cast"?,"aggregate"?,"distinct"?,"aggregate_cast"?}, '
  '{"type":"relation","name","alias"?,"hint"?,"join"?,"select"}, {"type":"spread", likewise}; "" gives []. What '
  'follows is ignored, as in PostgREST. Raises PGRST100. Source: PostgREST docs, references/api/tables_views, '
  'resource_embedding.';

create or replace function postern.scan_select(tokens text[], inout at int, depth int, out items jsonb)
returns record
language plpgsql immutable parallel safe
as $$
declare
  list pg_catalog.jsonb[] := array[]::jsonb[];
  one pg_catalog.record;
begin
  at := postern.skip_blanks(tokens, at);
  if depth > 0 and tokens[at] = ')' then
    items := '[]'::jsonb;
    return;
  end if;
  loop
    one := postern.scan_select_item(tokens, at, depth);
    if cardinality(list) >= postern.limit_of('select items') then
      perform postern.unexpected('select', tokens, at, format('at most %s items', postern.limit_of('select items')));
    end if;
    list := array_append(list, one.item);
    at := one.at;
    exit when tokens[at] is distinct from ',';
    at := at + 1;
  end loop;
  items := to_jsonb(list);
end
$$;
comment on function postern.scan_select(text[], int, int) is
  'Scans a list of select items. In: tokens, index, depth (0 = the top). Out: index after, the items. Raises PGRST100.';

create or replace function postern.scan_select_item(tokens text[], inout at int, depth int, out item jsonb)
returns record
language plpgsql immutable parallel safe
as $$
declare
  type pg_catalog.text := 'relation'; -- of what is embedded
  alias pg_catalog.jsonb := '{}';
  named pg_catalog.record;
  rest pg_catalog.record;
begin
  -- A plain column, by far the most frequent item, needs none of what follows.
  if postern.is_word(tokens[at]) and btrim(tokens[at], ' ') <> '' and coalesce(tokens[at + 1] in (',', ')'), true) then
    item := jsonb_build_object('type', 'field', 'name', btrim(tokens[at], ' '));
    at := at + 1;
    return;
  end if;
  at := postern.skip_blanks(tokens, at);
  if tokens[at] = '*' then
    at := postern.skip_blanks(tokens, at + 1);
    if tokens[at] not in (',', ')') then
      perform postern.unexpected('select', tokens, at, '",", ")" or the end');
    end if;
    item := '{"type": "field", "name": "*"}';
    return;
  elsif tokens[at] = '.' then
    if tokens[at + 1] is distinct from '.' or tokens[at + 2] is distinct from '.' then
      perform postern.unexpected('select', tokens, at, 'a column, a relation or "..."');
    end if;
    type := 'spread';
    at := at + 3;
  end if;

  named := postern.scan_name('select', tokens, at);
  if type = 'relation' and tokens[named.at] = ':' and tokens[named.at + 1] is distinct from ':' then
    alias := jsonb_build_object('alias', named.name);
    named := postern.scan_name('select', tokens, postern.skip_blanks(tokens, named.at + 1));
  end if;
  if type = 'spread' or tokens[named.at] in ('(', '!') and named.name <> 'count' then
    rest := postern.scan_embed(tokens, named.at, depth);
    item := jsonb_build_object('type', type, 'name', named.name) || rest.embed || alias;
  else
    rest := postern.scan_select_field(tokens, named.at, named.name);
    item := rest.field || alias;
  end if;
  at := rest.at;
end
$$;
comment on function postern.scan_select_item(text[], int, int) is
  'Scans a star, spread, embed, aggregate or column. In: tokens, index, depth. Out: index, item. Raises PGRST100.';

create or replace function postern.scan_embed(tokens text[], inout at int, depth int, out embed jsonb)
returns record
language plpgsql immutable parallel safe
as $$
declare
  hint pg_catalog.text;
  join_type pg_catalog.text;
  named pg_catalog.record;
  inner_list pg_catalog.record;
begin
  for i in 1..2 loop
    exit when tokens[at] is distinct from '!';
    named := postern.scan_name('select', tokens, at + 1);
    if named.name in ('inner', 'left') and tokens[at + 1] <> '"' then
      join_type := coalesce(join_type, named.name);
    else
      hint := coalesce(hint, named.name);
    end if;
    at := named.at;
  end loop;
  if tokens[at] is distinct from '(' then
    perform postern.unexpected('select', tokens, at, 'the relation''s "("');
  elsif depth >= postern.limit_of('select depth') then
    perform postern.unexpected(
      'select', tokens, at, format('at most %s levels of embedding', postern.limit_of('select depth')));
  end if;
  inner_list := postern.scan_select(tokens, at + 1, depth + 1);
  if tokens[inner_list.at] is distinct from ')' then
    perform postern.unexpected('select', tokens, inner_list.at, '"," or ")"');
  end if;
  at := postern.skip_blanks(tokens, inner_list.at + 1);
  embed := jsonb_strip_nulls(jsonb_build_object('select', inner_list.items, 'hint', hint, 'join', join_type));
end
$$;
comment on function postern.scan_embed(text[], int, int) is
  'Scans what follows an embed''s name: "!hint!inner(items)". In: tokens, index of the first "!" or "(", depth. Out: '
  'index after it and white space, {"hint"?,"join"?,"select"}. Raises PGRST100, also beyond the limit "select depth".';

create or replace function postern.scan_select_field(tokens text[], inout at int, name text, out field jsonb)
returns record
language plpgsql immutable parallel safe
as $$
declare
  walked pg_catalog.record;
  typed pg_catalog.record;
begin
  if tokens[at - 1] <> '"' and name = 'count' and tokens[at] = '(' and tokens[at + 1] = ')' then
    field := '{"type": "field", "name": "*", "aggregate": "count"}';
    at := at + 2;
  else
    field := jsonb_build_object('type', 'field', 'name', name);
    if tokens[at] = '-' then
      walked := postern.scan_path('select', tokens, at);
      field := field || jsonb_build_object('path', walked.path);
      at := walked.at;
    end if;
    at := postern.skip_blanks(tokens, at);
    if tokens[at] = ':' then
      typed := postern.scan_cast(tokens, at);
      field := field || jsonb_build_object('cast', typed.type);
      at := typed.at;
    end if;
    if tokens[at] = '.' then
      if (tokens[at + 1] in ('sum', 'avg', 'count', 'max', 'min')) is not true then
        perform postern.unexpected('select', tokens, at + 1, 'sum(), avg(), count(), max() or min()');
      elsif tokens[at + 2] is distinct from '(' then
        perform postern.unexpected('select', tokens, at + 2, '"()"');
      end if;
      field := field || jsonb_build_object('aggregate', tokens[at + 1]);
      if tokens[at + 3] = 'distinct' then
        field := field || '{"distinct": true}';
        at := at + 1;
      end if;
      if tokens[at + 3] is distinct from ')' then
        perform postern.unexpected('select', tokens, at + 3, '")"');
      end if;
      at := at + 4;
    end if;
  end if;

  if tokens[at] = ':' then
    typed := postern.scan_cast(tokens, at);
    -- A second cast without an aggregate has no meaning; PostgREST reads and drops it too.
    if field ? 'aggregate' then
      field := field || jsonb_build_object('aggregate_cast', typed.type);
    end if;
    at := typed.at;
  end if;
  at := postern.skip_blanks(tokens, at);
  if tokens[at] not in (',', ')') then
    perform postern.unexpected('select', tokens, at, '"->", "::", an aggregate, ",", ")" or the end');
  end if;
end
$$;
comment on function postern.scan_select_field(text[], int, text) is
  'Scans what follows a column''s name in select: path, cast, aggregate ("()", or "(distinct)", not PostgREST''s), its '
  'cast; "count" and "()" is the row count. In: tokens, index, name. Out: index, the item. Raises PGRST100.';

create or replace function postern.scan_cast(tokens text[], inout at int, out type text)
returns record
language plpgsql immutable parallel safe
as $$
begin
  if tokens[at + 1] is distinct from ':' then
    perform postern.unexpected('select', tokens, at, '"->", "::", an aggregate, ",", ")" or the end');
  elsif not postern.is_word(tokens[at + 2]) or postern.is_blank(tokens[at + 2]) then
    perform postern.unexpected('select', tokens, at + 2, 'a type');
  end if;
  type := btrim(tokens[at + 2], ' ');
  at := at + 3;
end
$$;
comment on function postern.scan_cast(text[], int) is
  'Scans "::type". In: tokens, index of the first colon. Out: index after the type, its name trimmed. Raises PGRST100.';

create or replace function postern.operators()
returns table (name text, sql text, quantifiable boolean, kind text)
language sql immutable parallel safe rows 25
as $$
  values
    ('eq', '=', true, 'binary'),
    ('neq', '<>', false, 'binary'),
    ('gt', '>', true, 'binary'),
    ('gte', '>=', true, 'binary'),
    ('lt', '<', true, 'binary'),
    ('lte', '<=', true, 'binary'),
    ('like', 'like', true, 'binary'),
    ('ilike', 'ilike', true, 'binary'),
    ('match', '~', true, 'binary'),
    ('imatch', '~*', true, 'binary'),
    ('cs', '@>', false, 'binary'),
    ('cd', '<@', false, 'binary'),
    ('ov', '&&', false, 'binary'),
    ('sl', '<<', false, 'binary'),
    ('sr', '>>', false, 'binary'),
    ('nxr', '&<', false, 'binary'),
    ('nxl', '&>', false, 'binary'),
    ('adj', '-|-', false, 'binary'),
    ('in', '= any', false, 'in'),
    ('is', 'is', false, 'is'),
    ('isdistinct', 'is distinct from', false, 'isdistinct'),
    ('fts', 'to_tsquery', false, 'fts'),
    ('plfts', 'plainto_tsquery', false, 'fts'),
    ('phfts', 'phraseto_tsquery', false, 'fts'),
    ('wfts', 'websearch_to_tsquery', false, 'fts')
$$;
comment on function postern.operators() is
  'The filter operators, one row each; a row more is an operator more. Out: name in the URL, SQL, whether (any) and '
  '(all) may follow, and kind: binary (column op value), in (a list), is (a keyword), isdistinct, fts (a function of '
  'an optional language and the value). Raises nothing. Source: docs/references/api/tables_views.rst of PostgREST.';

create or replace function postern.parse_filter_key(source text)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  tokens pg_catalog.text[];
  keyed pg_catalog.record;
  walked pg_catalog.record;
begin
  -- A plain column needs none of what follows.
  if length(source) < 64 and source ~ '^[A-Za-z0-9_]+$' then
    return jsonb_build_object('embed', '[]'::jsonb, 'name', source);
  end if;
  tokens := postern.tokens(source, 'filter key');
  keyed := postern.scan_names('filter key', tokens, 1);
  walked := postern.scan_path('filter key', tokens, keyed.at);
  return jsonb_strip_nulls(jsonb_build_object(
    'embed', trim_array(keyed.names, 1),
    'name', keyed.names[cardinality(keyed.names)],
    'path', walked.path));
end
$$;
comment on function postern.parse_filter_key(text) is
  'Parses a filter''s key. In: the text, "clients.data->>key". Out: {"embed":["clients"],"name":"data","path":[...]}; '
  'embed may be empty, path absent. What follows a complete key is ignored, as in PostgREST. Raises PGRST100.';

create or replace function postern.scan_names(what text, tokens text[], inout at int, out names text[])
returns record
language plpgsql immutable parallel safe
as $$
declare
  named pg_catalog.record;
begin
  names := array[]::text[];
  loop
    named := postern.scan_name(what, tokens, at);
    names := array_append(names, named.name);
    at := named.at;
    exit when tokens[at] is distinct from '.';
    at := at + 1;
  end loop;
end
$$;
comment on function postern.scan_names(text, text[], int) is
  'Scans names separated by dots. In: what is read, tokens, index. Out: index after, the names. Raises PGRST100.';

create or replace function postern.parse_op_expr(source text)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  negation constant int := case when starts_with(source, 'not.') then 4 else 0 end;
  ending constant int := negation + strpos(substr(source, negation + 1), '.');
  value constant pg_catalog.text := substr(source, ending + 1);
  -- Only what stands before the value is read as tokens; it is wrong anyway if it is longer than the limit.
  tokens constant pg_catalog.text[] := postern.tokens(
    left(source, least(case when ending > negation then ending end, postern.limit_of('filter length'))), 'filter');
  head constant pg_catalog.record := postern.scan_operator('filter', tokens, 1);
begin
  if head.kind = 'is' and postern.is_keyword(value) is null
    or head.kind = 'in' and value <> chr(1) and ltrim(value, E' \t') not like '(%'
  then
    perform postern.unexpected('filter', array_append(tokens, nullif(left(value, 40), '')), head.at,
      case head.kind when 'in' then '"("' else 'null, not_null, true, false or unknown' end);
  end if;
  return head.expr
    || jsonb_build_object('value', case head.kind when 'is' then postern.is_keyword(value) else value end);
end
$$;
comment on function postern.parse_op_expr(text) is
  'Parses a filter''s operator and value. In: the text, "not.like(any).{a*,b*}". Out: {"not"?:true, '
  '"operator":"like","quantifier"?:"any","language"?:"english","value":"{a*,b*}"}; the value is for "in" the list as '
  'it stands (postern.parse_list), for "is" the keyword in lower case (what follows it is ignored, as in PostgREST). '
  'Raises PGRST100. Source: PostgREST docs, references/api/tables_views.';

create or replace function postern.scan_operator(
  what text, tokens text[], inout at int, out expr jsonb, out kind text)
returns record
language plpgsql immutable parallel safe
as $$
declare
  operator pg_catalog.record;
  modifier pg_catalog.text;
begin
  expr := '{}'::jsonb;
  if tokens[at] = 'not' and tokens[at + 1] = '.' then
    expr := jsonb_build_object('not', true);
    at := at + 2;
  end if;
  select o.name, o.quantifiable, o.kind into operator from postern.operators() as o where o.name = tokens[at];
  if operator.name is null then
    perform postern.unexpected(what, tokens, at, 'not or an operator (eq, gt, ...)');
  end if;
  expr := expr || jsonb_build_object('operator', operator.name);
  kind := operator.kind;
  at := at + 1;
  if tokens[at] = '(' and (operator.quantifiable or kind = 'fts') then
    modifier := tokens[at + 1];
    if operator.quantifiable and (modifier in ('any', 'all')) is not true then
      perform postern.unexpected(what, tokens, at + 1, 'any or all');
    elsif not postern.is_word(modifier) or postern.is_blank(modifier) then
      perform postern.unexpected(what, tokens, at + 1, 'a language');
    elsif tokens[at + 2] is distinct from ')' then
      perform postern.unexpected(what, tokens, at + 2, '")"');
    end if;
    expr := expr || jsonb_build_object(
      case when operator.quantifiable then 'quantifier' else 'language' end, btrim(modifier, ' '));
    at := at + 3;
  end if;
  if tokens[at] is distinct from '.' then
    perform postern.unexpected(what, tokens, at, '"." and a value');
  end if;
  at := at + 1;
end
$$;
comment on function postern.scan_operator(text, text[], int) is
  'Scans what stands before a filter''s value: "not.", operator, "(any)", "(all)" or "(language)", and the dot. In: '
  'what is read, tokens, index. Out: index of the value, what parse_op_expr has of it, its kind. Raises PGRST100.';

create or replace function postern.is_keyword(value text)
returns text
language sql immutable parallel safe
as $$
  select substring(lower(left(value, 8) collate "C"), '^(?:null|not_null|true|false|unknown)')
$$;
comment on function postern.is_keyword(text) is
  'The keyword (null, not_null, true, false, unknown) that a value begins with, in lower case. Raises nothing.';

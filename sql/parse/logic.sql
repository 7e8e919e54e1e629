create or replace function postern.parse_logic_key(source text)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
  tokens constant pg_catalog.text[] := postern.tokens(source, 'filter key');
  keyed pg_catalog.record;
  last_name pg_catalog.text;
begin
  keyed := postern.scan_names('filter key', tokens, 1);
  last_name := keyed.names[cardinality(keyed.names)];
  if last_name not in ('and', 'or') then
    perform postern.unexpected('filter key', tokens, keyed.at, '".and" or ".or"');
  end if;
  return jsonb_build_object(
    'embed', array_remove(trim_array(keyed.names, 1), 'not'),
    'not', 'not' = any (keyed.names),
    'operator', last_name);
end
$$;
comment on function postern.parse_logic_key(text) is
  'Parses the key of and= and or=. In: the text, "clients.not.or". Out: '
  '{"embed":["clients"],"not":true,"operator":"or"}; a "not" anywhere negates. Raises PGRST100.';

create or replace function postern.parse_logic(operator text, negated boolean, source text)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
begin
  if operator not in ('and', 'or') then
    perform postern.unexpected('logic', array[operator], 1, 'and or or');
  end if;
  return (postern.scan_logic(postern.tokens(source, 'logic'), 1, 1, operator, negated)).tree;
end
$$;
comment on function postern.parse_logic(text, boolean, text) is
  'Parses the value of and= and or=. In: operator, whether it is negated, the text '
  '"(a.eq.1,not.or(b.is.null,c.in.(1,2)))". Out: {"operator","not","of":[...]} of such trees and of conditions '
  '{"name","path"?,"expr": as of parse_op_expr}. A value may be a placeholder chr(1), "quoted", an {array}, a (list) '
  'after in, or plain up to the next "," or ")". What follows the last ")" is ignored, as in PostgREST. Raises '
  'PGRST100, also beyond the limit "logic depth". Source: PostgREST docs, references/api/tables_views.';

create or replace function postern.scan_logic(
  tokens text[], inout at int, depth int, operator text, negated boolean, out tree jsonb)
returns record
language plpgsql immutable parallel safe
as $$
declare
  list pg_catalog.jsonb[] := array[]::jsonb[];
  nested pg_catalog.record;
  one pg_catalog.record;
begin
  at := postern.skip_blanks(tokens, at);
  if tokens[at] is distinct from '(' then
    perform postern.unexpected('logic', tokens, at, '"("');
  elsif depth > postern.limit_of('logic depth') then
    perform postern.unexpected(
      'logic', tokens, at, format('at most %s levels of and and or', postern.limit_of('logic depth')));
  end if;
  loop
    at := at + 1;
    nested := postern.scan_logic_head(tokens, at);
    if nested.operator is null then
      one := postern.scan_condition(tokens, at);
    else
      one := postern.scan_logic(tokens, nested.at, depth + 1, nested.operator, nested.negated);
    end if;
    list := array_append(list, one.tree);
    at := postern.skip_blanks(tokens, one.at);
    exit when tokens[at] is distinct from ',';
  end loop;
  if tokens[at] is distinct from ')' then
    perform postern.unexpected('logic', tokens, at, '"," or ")"');
  end if;
  at := at + 1;
  tree := jsonb_build_object('operator', operator, 'not', negated, 'of', to_jsonb(list));
end
$$;
comment on function postern.scan_logic(text[], int, int, text, boolean) is
  'Scans "(condition,...)". In: tokens, index of the "(" (white space may precede), depth (1 = the top), operator and '
  'negation that stood before. Out: index after the ")", the tree as parse_logic describes. Raises PGRST100.';

create or replace function postern.scan_logic_head(
  tokens text[], inout at int, out operator text, out negated boolean)
returns record
language plpgsql immutable parallel safe
as $$
declare
  word pg_catalog.text;
begin
  at := postern.skip_blanks(tokens, at);
  negated := btrim(tokens[at], ' ') = 'not' and coalesce(tokens[at + 1] = '.', false);
  if negated then
    at := at + 2;
  end if;
  word := btrim(tokens[at], ' ');
  if word not in ('and', 'or') then
    return;
  end if;
  at := postern.skip_blanks(tokens, at + 1);
  if tokens[at] = '(' then
    operator := word;
  end if;
end
$$;
comment on function postern.scan_logic_head(text[], int) is
  'Tells a nested tree from a condition. In: tokens, index. Out: for "and(", "or(", "not.and(" and "not.or(" index of '
  'the "(", operator and negation; else operator is null: columns may be named and, or, not. Raises nothing.';

create or replace function postern.scan_condition(tokens text[], inout at int, out tree jsonb)
returns record
language plpgsql immutable parallel safe
as $$
declare
  field pg_catalog.record;
  head pg_catalog.record;
  valued pg_catalog.record;
  value pg_catalog.text;
begin
  field := postern.scan_field('logic', tokens, at);
  if tokens[field.at] is distinct from '.' then
    perform postern.unexpected('logic', tokens, field.at, '"." and an operator');
  end if;
  head := postern.scan_operator('logic', tokens, field.at + 1);
  if head.kind = 'in' and tokens[head.at] is distinct from chr(1) then
    valued := postern.scan_list(tokens, head.at);
  else
    valued := postern.scan_value(tokens, head.at);
  end if;
  value := valued.value;
  if strpos(value, chr(1)) > 0 and value <> chr(1) then
    perform postern.unexpected('logic', tokens, head.at, 'a value of its own');
  elsif head.kind = 'is' then
    value := postern.is_keyword(value);
    if value is null or lower(rtrim(valued.value, E' \t') collate "C") <> value then
      perform postern.unexpected('logic', tokens, head.at, 'null, not_null, true, false or unknown');
    end if;
  end if;
  tree := jsonb_strip_nulls(jsonb_build_object('name', field.name, 'path', field.path,
    'expr', head.expr || jsonb_build_object('value', value)));
  at := valued.at;
end
$$;
comment on function postern.scan_condition(text[], int) is
  'Scans a condition of a logic tree, "data->>key.not.eq.value". Out: index after it, the condition. Raises PGRST100.';

create or replace function postern.scan_value(tokens text[], inout at int, out value text)
returns record
language plpgsql immutable parallel safe
as $$
declare
  quoted pg_catalog.record;
  start constant int := at;
  pieces pg_catalog.text[] := array[]::text[];
begin
  if tokens[at] = '"' then
    quoted := postern.scan_quoted(tokens, at);
    if quoted.value is not null and coalesce(tokens[quoted.at] in (',', ')'), true) then
      at := quoted.at;
      value := quoted.value;
      return;
    end if;
  elsif tokens[at] = '{' then
    loop
      pieces := array_append(pieces, tokens[at]);
      at := at + 1;
      exit when coalesce(tokens[at] in ('{', '}'), true);
    end loop;
    if tokens[at] = '}' then
      at := at + 1;
      value := array_to_string(pieces, '') || '}';
      return;
    end if;
    pieces := array[]::text[];
    at := start;
  end if;
  while tokens[at] not in (',', ')') loop
    pieces := array_append(pieces, tokens[at]);
    at := at + 1;
  end loop;
  value := array_to_string(pieces, '');
end
$$;
comment on function postern.scan_value(text[], int) is
  'Scans a value within a logic tree: "quoted" when "," or ")" follows, an {array} without braces inside, or all up to '
  'the next "," or ")". In: tokens, index. Out: index after it, the value unquoted. Raises nothing.';

create or replace function postern.scan_list(tokens text[], inout at int, out value text)
returns record
language plpgsql immutable parallel safe
as $$
declare
  start int;
  opened boolean;
  quoted pg_catalog.record;
  pieces pg_catalog.text[] := array[]::text[];
begin
  at := postern.skip_blanks(tokens, at);
  if tokens[at] is distinct from '(' then
    perform postern.unexpected('logic', tokens, at, '"("');
  end if;
  start := at;
  loop
    opened := at = start;
    at := at + 1;
    if opened then -- only the first element may have white space before its quote
      at := postern.skip_blanks(tokens, at);
    end if;
    if tokens[at] = '"' then
      quoted := postern.scan_quoted(tokens, at);
      if quoted.value is not null and coalesce(tokens[quoted.at] in (',', ')'), true) then
        at := quoted.at;
      end if;
    end if;
    while tokens[at] not in (',', ')') loop
      at := at + 1;
    end loop;
    exit when tokens[at] is distinct from ',';
  end loop;
  if tokens[at] is null then
    perform postern.unexpected('logic', tokens, at, '"," or ")"');
  end if;
  at := at + 1;
  for place in start .. at - 1 loop
    pieces := array_append(pieces, tokens[place]);
  end loop;
  value := array_to_string(pieces, '');
end
$$;
comment on function postern.scan_list(text[], int) is
  'Scans the list of an "in" in a logic tree. In: tokens, index. Out: index, the list as it stands. Raises PGRST100.';

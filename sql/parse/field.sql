create or replace function postern.scan_quoted(tokens text[], inout at int, out value text)
returns record
language plpgsql immutable parallel safe
as $$
declare
  pieces pg_catalog.text[] := array[]::text[];
begin
  loop
    at := at + 1;
    if tokens[at] = '"' then
      at := at + 1;
      value := array_to_string(pieces, '');
      return;
    elsif tokens[at] = E'\\' then -- escapes the next character; a name's letters stand for themselves either way
      at := at + 1;
    end if;
    exit when tokens[at] is null;
    pieces := array_append(pieces, tokens[at]);
  end loop;
end
$$;
comment on function postern.scan_quoted(text[], int) is
  'Scans "..." with backslash escapes. In: tokens, index of the opening quote. Out: index after the closing quote and '
  'the text between, unescaped; null, and one past the last token, without a closing quote. Raises nothing.';

create or replace function postern.scan_name(what text, tokens text[], inout at int, out name text)
returns record
language plpgsql immutable parallel safe
as $$
declare
  quoted pg_catalog.record;
  words pg_catalog.text[];
begin
  if tokens[at] = '"' then
    quoted := postern.scan_quoted(tokens, at);
    if quoted.value is null then
      perform postern.unexpected(what, tokens, quoted.at, 'a closing "');
    elsif quoted.value = '' or strpos(quoted.value, chr(1)) > 0 then
      perform postern.unexpected(what, tokens, at + 1, 'a name');
    end if;
    at := quoted.at;
    name := quoted.value;
    return;
  end if;

  if not postern.is_word(tokens[at]) then
    perform postern.unexpected(what, tokens, at, 'a name');
  end if;
  words := array[btrim(tokens[at], ' ')];
  at := at + 1;
  while tokens[at] = '-' and tokens[at + 1] is distinct from '>' loop
    if not postern.is_word(tokens[at + 1]) then
      perform postern.unexpected(what, tokens, at + 1, 'the rest of a name');
    end if;
    words := array_append(words, btrim(tokens[at + 1], ' '));
    at := at + 2;
  end loop;
  name := array_to_string(words, '-');
  if name = '' then
    perform postern.unexpected(what, tokens, at - 1, 'a name');
  end if;
end
$$;
comment on function postern.scan_name(text, text[], int) is
  'Scans a name: letters, digits, "_", "$", inner spaces and dashes (not "->"), or "anything quoted". In: what is read '
  '(for errors), tokens, index. Out: index after it, the name trimmed and unquoted. Raises PGRST100. Source: PostgREST '
  'docs, references/api/url_grammar.';

create or replace function postern.is_word(token text)
returns boolean
language sql immutable parallel safe
as $$
  select token is not null and strpos(E'\x01\t!"#%&''()*+,-./:;<=>?@[\\]^`{|}~', token) = 0
$$;
comment on function postern.is_word(text) is
  'Whether a token is a run of name characters, not punctuation nor the end of the text (null). Raises nothing.';

create or replace function postern.is_blank(token text)
returns boolean
language sql immutable parallel safe
as $$
  select token is not null and btrim(token, E' \t') = ''
$$;
comment on function postern.is_blank(text) is
  'Whether a token is white space (spaces, a tab). In: a token, null for the end of the text. Raises nothing.';

create or replace function postern.skip_blanks(tokens text[], at int)
returns int
language sql immutable parallel safe
as $$
  select case when postern.is_blank(tokens[at]) then postern.blanks_end(tokens, at) else at end
$$;
comment on function postern.skip_blanks(text[], int) is
  'Skips white space, without a call where there is none, as it is inlined. In: tokens, index. Out: the index of the '
  'first token from there on that is none. Raises nothing.';

create or replace function postern.blanks_end(tokens text[], at int)
returns int
language plpgsql immutable parallel safe
as $$
begin
  while postern.is_blank(tokens[at]) loop
    at := at + 1;
  end loop;
  return at;
end
$$;
comment on function postern.blanks_end(text[], int) is
  'Where white space ends. In: tokens, index of its first. Out: the index of the token behind it. Raises nothing.';

create or replace function postern.scan_path(what text, tokens text[], inout at int, out path jsonb)
returns record
language plpgsql immutable parallel safe
as $$
declare
  steps pg_catalog.jsonb[] := array[]::jsonb[];
  arrow pg_catalog.text;
  operand pg_catalog.record;
begin
  while tokens[at] = '-' and tokens[at + 1] = '>' loop
    arrow := case tokens[at + 2] when '>' then '->>' else '->' end;
    operand := postern.scan_path_operand(what, tokens, at + length(arrow));
    steps := array_append(steps, jsonb_strip_nulls(
      jsonb_build_object('op', arrow, 'key', operand.key, 'index', operand.index)));
    at := operand.at;
    if cardinality(steps) > postern.limit_of('path depth') then
      perform postern.unexpected(what, tokens, at, format('at most %s arrows', postern.limit_of('path depth')));
    end if;
  end loop;
  path := nullif(to_jsonb(steps), '[]');
end
$$;
comment on function postern.scan_path(text, text[], int) is
  'Scans the arrows after a column, "->a->>0". In: what is read, tokens, index of the first arrow. Out: index after '
  'the path, [{"op":"->","key":"a"},{"op":"->>","index":0}], or null when no arrow stands there. Raises PGRST100.';

create or replace function postern.scan_path_operand(
  what text, tokens text[], inout at int, out key text, out index int)
returns record
language plpgsql immutable parallel safe
as $$
declare
  sign constant pg_catalog.text := case tokens[at] when '-' then '-' else '' end;
  pieces pg_catalog.text[] := array[]::text[];
  segments pg_catalog.text[] := array[]::text[];
  quoted pg_catalog.record;
  ended boolean := false;
begin
  if tokens[at] = '"' then
    quoted := postern.scan_quoted(tokens, at);
    if quoted.value is null then
      perform postern.unexpected(what, tokens, quoted.at, 'a closing "');
    elsif strpos(quoted.value, chr(1)) > 0 then
      perform postern.unexpected(what, tokens, at + 1, 'a key');
    end if;
    at := quoted.at;
    key := quoted.value;
    return;
  end if;

  at := at + length(sign);
  if tokens[at] ~ '^[0-9]+$' then
    ended := tokens[at + 1] is null
      or tokens[at + 1] in (',', '.', ')', ':')
      or (tokens[at + 1] = '-' and tokens[at + 2] = '>');
  elsif sign = '-' then
    perform postern.unexpected(what, tokens, at, 'digits');
  end if;
  if ended then
    if length(tokens[at]) > 10 or tokens[at]::bigint > 2147483647 then
      perform postern.unexpected(what, tokens, at, 'an index within four bytes');
    end if;
    index := (sign || tokens[at])::int;
    at := at + 1;
    return;
  elsif sign = '-' then
    perform postern.unexpected(what, tokens, at + 1, 'the end of the index');
  end if;

  -- A key ends at a reserved character; dashes inside it, but not before ">", belong to it.
  loop
    while tokens[at] not in ('(', '-', ':', '.', ',', '>', ')', chr(1)) loop
      pieces := array_append(pieces, tokens[at]);
      at := at + 1;
    end loop;
    if cardinality(pieces) = 0 then
      perform postern.unexpected(what, tokens, at, 'a key or an index');
    end if;
    segments := array_append(segments, btrim(array_to_string(pieces, ''), E' \t'));
    exit when tokens[at] is distinct from '-' or tokens[at + 1] = '>';
    pieces := array[]::text[];
    at := at + 1;
  end loop;
  key := array_to_string(segments, '-');
  if key = '' then
    perform postern.unexpected(what, tokens, at, 'a key or an index');
  end if;
end
$$;
comment on function postern.scan_path_operand(text, text[], int) is
  'Scans what follows an arrow. In: what is read, tokens, index. Out: index after it, and the key or the index (digits '
  'that end the operand). Reserved in an unquoted key: ( ) . , : > and a dash at either end. Raises PGRST100.';

create or replace function postern.scan_field(what text, tokens text[], inout at int, out name text, out path jsonb)
returns record
language plpgsql immutable parallel safe
as $$
declare
  named pg_catalog.record;
  walked pg_catalog.record;
begin
  named := postern.scan_name(what, tokens, postern.skip_blanks(tokens, at));
  name := named.name;
  at := named.at;
  if tokens[at] = '-' then
    walked := postern.scan_path(what, tokens, at);
    path := walked.path;
    at := walked.at;
  end if;
  at := postern.skip_blanks(tokens, at);
end
$$;
comment on function postern.scan_field(text, text[], int) is
  'Scans a column and its path. In: what is read, tokens, index. Out: index after, name, path?. Raises PGRST100.';

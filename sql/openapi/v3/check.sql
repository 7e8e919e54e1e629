-- Simple check constraints as JSON Schema.

create or replace function postern.openapi3_pattern(expression text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  plain pg_catalog.text := replace(replace(expression, '[:space:]', '\s'), '[:digit:]', '\d');
begin
  return case when plain !~ '\[([:.=])[^\]]*\1\]|\(\?|\*\*\*|\\[^dswDSW.*+?()\[\]{}|^$/]|[*+?}][*+]|\[\^?\]'
    then plain end;
end
$$;
comment on function postern.openapi3_pattern(text) is
  'A regular expression of PostgreSQL as one of ECMA-262. In: the expression. Out: the same for ECMA-262; null where '
  'it has what is written otherwise there or does not exist. Raises nothing.';

create or replace function postern.openapi3_check(expression text, subject text)
returns jsonb
language plpgsql immutable strict parallel safe
as $$
#variable_conflict use_column
declare
  said pg_catalog.text := replace(
    replace(expression, '(' || subject || ' ', '(VALUE '), '(' || subject || ')', '(VALUE)');
  bare pg_catalog.text;
  literal pg_catalog.text;
  listed pg_catalog.text;
begin
  if said ~ '(?:~|ARRAY)' then
    literal := (regexp_match(said, '^\((?:VALUE|\(VALUE\)::text) ~ ''((?:[^'']|'''')*)''::text\)$'))[1];
    listed := (regexp_match(said, '^\((?:VALUE|\(VALUE\)::text) = ANY '
      '\(\(?ARRAY\[((?:''(?:[^'']|'''')*''::(?:text|character varying)(?:, )?)+)\](?:\)::text\[\])?\)\)$'))[1];
    return case
      when literal is not null
        then jsonb_strip_nulls(jsonb_build_object('pattern', postern.openapi3_pattern(replace(literal, '''''', ''''))))
      when listed is not null then jsonb_build_object('enum', (
        select jsonb_agg(replace(found[1], '''''', '''') order by place)
        from regexp_matches(listed, '''((?:[^'']|'''')*)''::', 'g') with ordinality as labels(found, place)))
      else '{}' end;
  end if;
  bare := regexp_replace(said, '''(?:[^'']|'''')*''(?!::(?:integer|smallint|bigint|numeric|real|double precision)\M)',
    '', 'g');
  if bare ~ '\m(OR|NOT|CASE|SELECT|IS)\M' then
    return '{}';
  end if;
  return (
    select coalesce(jsonb_object_agg(
        case when found[1] is not null then case left(found[2], 1) when '<' then 'maxLength' else 'minLength' end
          else case found[2] when '>' then 'exclusiveMinimum' when '>=' then 'minimum'
            when '<' then 'exclusiveMaximum' else 'maximum' end end,
        case when found[1] is null then found[3]::numeric
          else found[3]::numeric + case found[2] when '<' then -1 when '>' then 1 else 0 end end), '{}')
    from regexp_matches(bare,
      '\((?:(length|char_length|character_length)\((?:VALUE|\(VALUE\)::text)\)|VALUE'
      '|\(VALUE\)::(?:numeric|double precision|real|integer|bigint|smallint))'
      || ' (>=|<=|>|<) \(?''?(-?[0-9]+(?:\.[0-9]+)?)''?\)?(?:::[a-z ]+)?(?=\))', 'g') as found);
end
$$;
comment on function postern.openapi3_check(text, text) is
  'What a check constraint says of its only subject, in words of JSON Schema. In: its expression by pg_get_expr; the '
  'subject: VALUE, or a quoted column. Out: minimum, maximum (also exclusive), minLength, maxLength, pattern, enum, of '
  'conditions joined by AND those that are so simple; {} for all else. Raises nothing.';

create or replace function postern.openapi3_domain_checks(domain oid)
returns jsonb
language plpgsql stable strict parallel safe
as $$
begin
  return (
    select coalesce(jsonb_object_agg(said.key, said.value order by con.conname collate "C"), '{}')
      from pg_catalog.pg_constraint con
     cross join lateral jsonb_each(postern.openapi3_check(pg_get_expr(con.conbin, 0::oid), 'VALUE')) said
     where con.contypid = domain and domain <> 0 and con.contype = 'c');
end
$$;
comment on function postern.openapi3_domain_checks(oid) is
  'What the check constraints of a domain say (postern.openapi3_check). Out: {} for none. Raises nothing.';

-- The embeds of a node: which relationship each means, and which of the request's filters, orders and limits are its.

create or replace function postern.plan_embeds(context jsonb, parent jsonb, items jsonb, entries jsonb, depth int)
returns jsonb
language plpgsql stable strict parallel safe
as $$
declare
  children pg_catalog.jsonb[] := '{}';
  item pg_catalog.jsonb;
begin
  for item in select i from jsonb_array_elements(items) as i where i ->> 'type' <> 'field' loop
    children := array_append(children, postern.plan_child(context, parent, item, depth + 1));
  end loop;
  return postern.plan_children(context, to_jsonb(children), entries);
end
$$;
comment on function postern.plan_embeds(jsonb, jsonb, jsonb, jsonb, int) is
  'Plans the embeds of a node. In: context, entries: as of postern.plan_node; parent: the relation of the node, in '
  'that depth; items: its part of select. Out: children of a node. Raises as postern.plan_child and plan_children do.';

create or replace function postern.plan_child(context jsonb, parent jsonb, item jsonb, depth int)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  found pg_catalog.jsonb := postern.find_relationships((parent ->> 'oid')::oid, context ->> 'schema',
    array(select jsonb_array_elements_text(context -> 'schemas')), item ->> 'name', item ->> 'hint');
  meant pg_catalog.jsonb := found -> 0;
  lookup real;
begin
  if meant is null then
    perform postern.fail('PGRST200',
      format('There is no relationship between ''%s'' and ''%s''', parent ->> 'name', item ->> 'name'),
      format('No foreign key or computed relationship leads from ''%s'' to ''%s''%s in the schema ''%s''',
        parent ->> 'name', item ->> 'name', coalesce(' with the hint ''' || (item ->> 'hint') || '''', ''),
        context ->> 'schema'),
      'Perhaps you meant '''
        || postern.relationship_hint((parent ->> 'oid')::oid, context ->> 'schema', item ->> 'name')
        || ''' in place of ''' || (item ->> 'name') || '''');
  elsif jsonb_array_length(found) > 1 then
    perform postern.fail_json('PGRST201',
      format('There is more than one relationship between ''%s'' and ''%s''', parent ->> 'name', item ->> 'name'),
      coalesce(postern.ambiguous_details(postern.known_relationships(found)), '[]'),
      postern.ambiguous_hint(item ->> 'name', nullif(postern.known_relationships(found), '[]')));
  end if;
  if not (meant ->> 'to_one')::boolean and meant ->> 'kind' <> 'computed' then
    lookup := postern.relationship_rows(meant);
  end if;
  return jsonb_strip_nulls(jsonb_build_object('oid', meant -> 'target_oid', 'depth', depth,
    'name', item -> 'name', 'label', coalesce(item -> 'alias', item -> 'name'), 'alias_given', item -> 'alias',
    'spread', case when item ->> 'type' = 'spread' then true end, 'join', item -> 'join',
    'relationship', meant, 'items', item -> 'select', 'lookup', lookup));
end
$$;
comment on function postern.plan_child(jsonb, jsonb, jsonb, int) is
  'An embed of a node, its relationship resolved and its own part of the request still to plan. In: context: as of '
  'postern.plan_node; parent: the relation of the node; item: of postern.parse_select; depth: of the embed. Out: {oid, '
  'depth, name, label, alias_given?, spread?, join?, relationship (postern.find_relationships), items: its select, '
  'lookup?: postern.relationship_rows}. Raises PGRST200 for no relationship, 201 for several. Source: PostgREST docs, '
  'references/api/resource_embedding.';

create or replace function postern.plan_children(context jsonb, children jsonb, entries jsonb)
returns jsonb
language plpgsql stable parallel safe
as $$
declare
  shares pg_catalog.jsonb[] := array_fill('[]'::jsonb, array[jsonb_array_length(children)]);
  planned pg_catalog.jsonb[] := '{}';
  child pg_catalog.jsonb;
  entry pg_catalog.jsonb;
  node pg_catalog.jsonb;
  name pg_catalog.text;
  place int;
begin
  for entry in select e from jsonb_array_elements(entries) as e where e -> 'embed' <> '[]' loop
    name := entry -> 'embed' ->> 0;
    place := postern.child_place(children, name, (context ->> 'legacy')::boolean);
    if place is null then
      perform postern.not_embedded(name, children -> postern.child_place(children, name, true) ->> 'label');
    elsif name <> children -> place ->> 'label' then
      children := jsonb_set(children, array[place::text, 'legacy'], 'true');
    end if;
    shares[place + 1] := shares[place + 1] || jsonb_build_array(jsonb_set(entry, '{embed}', (entry -> 'embed') - 0));
  end loop;
  for place in 0 .. jsonb_array_length(children) - 1 loop
    child := children -> place;
    if postern.child_place(children, child ->> 'label', false) < place then
      raise exception using errcode = 'duplicate_alias', message = format('two embeds have the name "%s"',
        child ->> 'label');
    end if;
    node := postern.plan_node(context, jsonb_build_object('oid', child -> 'oid',
        'schema', child -> 'relationship' -> 'target_schema', 'name', child -> 'relationship' -> 'target'),
      postern.relation_columns((child ->> 'oid')::oid), child -> 'items', shares[place + 1], (child ->> 'depth')::int,
      child - 'items');
    if child ? 'spread' then
      perform postern.check_spread(node -> 'outputs');
    end if;
    if node -> 'children' @? '$[*].scans' or not child ? 'lookup'
      and not (child -> 'relationship' ->> 'to_one')::boolean and child -> 'relationship' ->> 'kind' <> 'computed'
    then
      node := node || '{"scans": true}';
    end if;
    planned := array_append(planned, child - 'items' || node);
  end loop;
  return to_jsonb(planned);
end
$$;
comment on function postern.plan_children(jsonb, jsonb, jsonb) is
  'Plans the embeds of a node, each with the entries whose embed path begins with it. In: context: as of '
  'postern.plan_node; children: postern.plan_child; entries: of the parent. Out: children of a node; legacy marks '
  'those named by relation though they have an alias, scans those that without together read a relation for each '
  'parent. Raises PGRST108 for a path that leads nowhere, 42712 for embeds of one name, and as postern.plan_node.';

create or replace function postern.child_place(children jsonb, name text, by_relation boolean)
returns int
language plpgsql immutable strict parallel safe
as $$
begin
  return (
    select place::int - 1
    from jsonb_array_elements(children) with ordinality as nodes(child, place)
    where child ->> 'label' = name or by_relation and child ->> 'name' = name
    order by place
    limit 1);
end
$$;
comment on function postern.child_place(jsonb, text, boolean) is
  'Which embed a name means: the first of that label. In: children of a node; the name; by_relation: whether it may be '
  'that of the relation, too. Out: the place (from 0); null when there is none. Raises nothing.';

create or replace function postern.not_embedded(name text, alias text)
returns void
language plpgsql immutable parallel safe
as $$
begin
  perform postern.fail('PGRST108', format('''%s'' is not embedded by this request', name),
    case when alias is not null then 'An embed that has an alias goes by its alias in filters, orders and limits' end,
    case when alias is null then format('Put %s(...) into the select parameter', name)
      else format('Write ''%s'' in place of ''%s''', alias, name) end);
end
$$;
comment on function postern.not_embedded(text, text) is
  'Refuses a name that no embed has. In: the name; the alias of the embed meant, or null. Raises PGRST108, always.';

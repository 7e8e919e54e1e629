set local check_function_bodies = off;

-- schema: what all rooms stand on: the schema itself, its types, the version, and how errors are raised. Knows nothing
-- of requests, relations or settings. Calls nothing.
{{ template "begin.sql" . }}
{{ template "schema.sql" . }}

-- parse: the grammar of the URL: the text of select, order, filters, logic trees and cursors becomes trees (jsonb), or
-- a PGRST100. Knows characters, operators and limits; knows no catalog, no header and no setting. Calls schema.
{{ template "parse/limits.sql" . }}
{{ template "parse/tokens.sql" . }}
{{ template "parse/field.sql" . }}
{{ template "parse/select.sql" . }}
{{ template "parse/order.sql" . }}
{{ template "parse/cursor.sql" . }}
{{ template "parse/list.sql" . }}
{{ template "parse/filter.sql" . }}
{{ template "parse/logic.sql" . }}
{{ template "parse/columns.sql" . }}

-- http: the other parts of a request, and header fields: the query string, percent-encoding, Prefer, media types, Range
-- and bodies. Knows HTTP; knows no relation and makes no SQL. Calls schema, parse.
{{ template "http/percent.sql" . }}
{{ template "http/media.sql" . }}
{{ template "http/preferences.sql" . }}
{{ template "http/query.sql" . }}
{{ template "http/query_method.sql" . }}
{{ template "http/payload.sql" . }}
{{ template "http/lines.sql" . }}
{{ template "http/header.sql" . }}

-- catalog: what is in the database, read from pg_catalog: relations, columns, keys, relationships, routines, code of
-- the user's; and the epoch. Knows names and oids; knows neither requests nor settings, and refuses nothing.
-- Calls nothing.
{{ template "catalog/epoch.sql" . }}
{{ template "catalog/ambiguous.sql" . }}
{{ template "catalog/column.sql" . }}
{{ template "catalog/dependency.sql" . }}
{{ template "catalog/foreign_key.sql" . }}
{{ template "catalog/hint.sql" . }}
{{ template "catalog/junction.sql" . }}
{{ template "catalog/key.sql" . }}
{{ template "catalog/media.sql" . }}
{{ template "catalog/relation.sql" . }}
{{ template "catalog/expression.sql" . }}
{{ template "catalog/code.sql" . }}
{{ template "catalog/reached.sql" . }}
{{ template "catalog/relationship.sql" . }}
{{ template "catalog/representation.sql" . }}
{{ template "catalog/routine.sql" . }}
{{ template "catalog/similar.sql" . }}
{{ template "catalog/sort.sql" . }}
{{ template "catalog/view.sql" . }}
{{ template "catalog/version.sql" . }}
{{ template "catalog/unique.sql" . }}

-- settings: what the shell passes on from its configuration, with defaults. Knows each setting's form; does not know
-- what follows from it. Calls schema.
{{ template "settings.sql" . }}

-- plan: trees become nodes: each name is looked up in the catalog, and everything is decided that depends on what is
-- there, such as how an embed is read. Knows trees and the catalog; knows no SQL and no answer.
-- Calls schema, parse, http, catalog.
{{ template "plan/query.sql" . }}
{{ template "plan/field.sql" . }}
{{ template "plan/filter.sql" . }}
{{ template "plan/output.sql" . }}
{{ template "plan/having.sql" . }}
{{ template "plan/node.sql" . }}
{{ template "plan/child.sql" . }}
{{ template "plan/written.sql" . }}
{{ template "plan/embed.sql" . }}
{{ template "plan/media.sql" . }}
{{ template "plan/call.sql" . }}
{{ template "plan/mutate.sql" . }}
{{ template "plan/cursor.sql" . }}
{{ template "plan/related.sql" . }}
{{ template "plan/code.sql" . }}
{{ template "plan/validator.sql" . }}

-- execute: runs a compiled statement within one call, prepared by name: what it costs, how long compiling took, which
-- line of a body an error comes of. Knows statement and flags; does not know what the request was about.
-- Calls schema, http.
{{ template "execute.sql" . }}
{{ template "execute_lines.sql" . }}
{{ template "cost.sql" . }}
{{ template "timed.sql" . }}

-- respond: what statements and failures need for an answer: checks of rows, bodies and status of errors, entity tags,
-- response.headers, links of pages. Knows HTTP, rows and errors; knows no node and makes no SQL.
-- Calls schema, parse, http.
{{ template "respond/status.sql" . }}
{{ template "respond/error.sql" . }}
{{ template "respond/override.sql" . }}
{{ template "respond/cursor.sql" . }}
{{ template "respond/checks.sql" . }}
{{ template "respond/body.sql" . }}
{{ template "respond/tag.sql" . }}

-- render: nodes become SQL, and headers of the answer the expressions that make them. Knows nodes; reads no catalog and
-- decides nothing that depends on it. Calls parse, http, plan. Its statements call catalog, http, execute, respond.
{{ template "render/filter.sql" . }}
{{ template "render/version.sql" . }}
{{ template "render/relation.sql" . }}
{{ template "render/rows.sql" . }}
{{ template "render/output.sql" . }}
{{ template "render/written.sql" . }}
{{ template "render/together.sql" . }}
{{ template "render/payload.sql" . }}
{{ template "render/mutation.sql" . }}
{{ template "render/related.sql" . }}
{{ template "render/call.sql" . }}
{{ template "render/body.sql" . }}
{{ template "render/count.sql" . }}
{{ template "render/answer.sql" . }}
{{ template "render/tagged.sql" . }}
{{ template "render/one.sql" . }}
{{ template "render/stream.sql" . }}
{{ template "render/cursor.sql" . }}

-- openapi: what both descriptions of the API say of it as a whole: title, address, documentation. The functions that
-- put a document together (openapi, openapi3, describe_schema) set the search path for all that they call. Knows
-- comments of the database; knows no version of OpenAPI. Calls schema.
{{ template "openapi/info.sql" . }}

-- openapi/describe: facts: which relations, columns, keys, embeds and routines a role finds in the schema. Knows the
-- catalog; knows no word of OpenAPI. Calls schema, catalog.
{{ template "openapi/describe/path.sql" . }}
{{ template "openapi/describe/relations.sql" . }}
{{ template "openapi/describe/columns.sql" . }}
{{ template "openapi/describe/keys.sql" . }}
{{ template "openapi/describe/embeds.sql" . }}
{{ template "openapi/describe/routines.sql" . }}
{{ template "openapi/describe/schema.sql" . }}

-- openapi/v2: the facts in the words of OpenAPI 2.0, as PostgREST has them; fields that are null are dropped at the end
-- (postern.openapi). Knows that format; reads no catalog. Calls openapi, openapi/describe.
{{ template "openapi/v2/property.sql" . }}
{{ template "openapi/v2/reference.sql" . }}
{{ template "openapi/v2/definitions.sql" . }}
{{ template "openapi/v2/parameters.sql" . }}
{{ template "openapi/v2/paths.sql" . }}
{{ template "openapi/v2/routines.sql" . }}
{{ template "openapi/v2/document.sql" . }}

-- openapi/v3: the facts in the words of OpenAPI 3.1, with what postern has beyond PostgREST. Knows that format; of the
-- catalog it asks for keys alone. Calls catalog, openapi, openapi/describe.
{{ template "openapi/v3/name.sql" . }}
{{ template "openapi/v3/check.sql" . }}
{{ template "openapi/v3/type.sql" . }}
{{ template "openapi/v3/operation.sql" . }}
{{ template "openapi/v3/common.sql" . }}
{{ template "openapi/v3/tags.sql" . }}
{{ template "openapi/v3/columns.sql" . }}
{{ template "openapi/v3/relations.sql" . }}
{{ template "openapi/v3/routines.sql" . }}
{{ template "openapi/v3/batch.sql" . }}
{{ template "openapi/v3/document.sql" . }}

-- compile: a request becomes one statement and its flags: parse, plan, render, in that order, for reads, writes, calls
-- and the root; what is wrong with it becomes a statement, too. Knows the stages; leaves to each what is its own.
-- Calls schema, http, catalog, settings, plan, respond, render, openapi/v2, openapi/v3.
-- Its statements call execute, respond.
{{ template "compile_context.sql" . }}
{{ template "compile_read.sql" . }}
{{ template "compile_cursor.sql" . }}
{{ template "compile_call.sql" . }}
{{ template "compile_write.sql" . }}
{{ template "compile_root.sql" . }}
{{ template "compile.sql" . }}

-- batch: several requests in one transaction: operations, and references to results before them. Knows operations;
-- leaves what each does to handle, which calls it. Calls schema, parse, http, settings, handle.
{{ template "batch/operation.sql" . }}
{{ template "batch/reference.sql" . }}
{{ template "batch/handle.sql" . }}

-- handle: the entry: compiles, executes, answers, and tries again where DDL came in between. Knows all that a request
-- needs done; decides nothing that a statement could. Calls http, catalog, settings, execute, respond, compile, batch.
{{ template "handle.sql" . }}

-- end: drops what an earlier version had and this one has not, and watches DDL. Knows pg_proc; knows no function by
-- name. Calls catalog.
{{ template "end.sql" . }}

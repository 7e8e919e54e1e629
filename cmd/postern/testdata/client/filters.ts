// Every filter of the client beside the SQL that it stands for: prints one line of JSON for each, {name, sql, ids}; the Go
// test asks the database for the ids.
import { PostgrestClient } from '@supabase/postgrest-js'
import type { Database } from './database.js'

const client = new PostgrestClient<Database, { PostgrestVersion: '13' }, 'api'>(process.env['BASE']!, { schema: 'api' })
const books = () => client.from('books').select('id').lt('id', 400)
type Query = ReturnType<typeof books>

const filters: Record<string, [string, (q: Query) => Query]> = {
  eq: [`title = 'The Storm''s Market'`, (q) => q.eq('title', "The Storm's Market")],
  'eq of a text with everything in it': [`title = 'a,b.(c)"\\&=%é'`, (q) => q.eq('title', 'a,b.(c)"\\&=%é')],
  neq: [`language <> 'en'`, (q) => q.neq('language', 'en')],
  gt: [`price > 20`, (q) => q.gt('price', 20)],
  gte: [`price >= 20.99`, (q) => q.gte('price', 20.99)],
  lt: [`price < 6`, (q) => q.lt('price', 6)],
  lte: [`published <= '1980-01-01'`, (q) => q.lte('published', '1980-01-01')],
  like: [`title like '%River%'`, (q) => q.like('title', '%River%')],
  likeAllOf: [`title like all ('{The %,%Salt}')`, (q) => q.likeAllOf('title', ['The %', '%Salt'])],
  likeAnyOf: [`title like any ('{%Salt,%Storm}')`, (q) => q.likeAnyOf('title', ['%Salt', '%Storm'])],
  ilike: [`title ilike '%RIVER%'`, (q) => q.ilike('title', '%RIVER%')],
  ilikeAllOf: [`title ilike all ('{the %,%SALT}')`, (q) => q.ilikeAllOf('title', ['the %', '%SALT'])],
  ilikeAnyOf: [`title ilike any ('{%SALT,%storm}')`, (q) => q.ilikeAnyOf('title', ['%SALT', '%storm'])],
  regexMatch: [`title ~ '^The .*t$'`, (q) => q.regexMatch('title', '^The .*t$')],
  regexIMatch: [`title ~* '^THE .*T$'`, (q) => q.regexIMatch('title', '^THE .*T$')],
  'is null': [`subtitle is null`, (q) => q.is('subtitle', null)],
  'is false': [`in_print is false`, (q) => q.is('in_print', false)],
  isDistinct: [`series_id is distinct from 3`, (q) => q.isDistinct('series_id', 3)],
  in: [`language in ('fr', 'tr')`, (q) => q.in('language', ['fr', 'tr'])],
  'in with reserved characters': [`title in ('A Beekeeper in St. Brannoc', 'x,"y"')`, (q) => q.in('title', ['A Beekeeper in St. Brannoc', 'x,"y"'])],
  notIn: [`language not in ('en', 'fr')`, (q) => q.notIn('language', ['en', 'fr'])],
  'contains of an array': [`tags @> '{sea,love}'`, (q) => q.contains('tags', ['sea', 'love'])],
  'contains of JSON': [`attributes @> '{"binding": "ebook"}'`, (q) => q.contains('attributes', { binding: 'ebook' })],
  'contains of a range': [`reading_age @> '[5,8)'`, (q) => q.contains('reading_age', '[5,8)')],
  containedBy: [`tags <@ '{sea,love,war}'`, (q) => q.containedBy('tags', ['sea', 'love', 'war'])],
  rangeGt: [`reading_age >> '[1,6)'`, (q) => q.rangeGt('reading_age', '[1,6)')],
  rangeGte: [`reading_age &> '[6,9)'`, (q) => q.rangeGte('reading_age', '[6,9)')],
  rangeLt: [`reading_age << '[200,)'`, (q) => q.rangeLt('reading_age', '[200,)')],
  rangeLte: [`reading_age &< '[1,99)'`, (q) => q.rangeLte('reading_age', '[1,99)')],
  rangeAdjacent: [`reading_age -|- '[99,120)'`, (q) => q.rangeAdjacent('reading_age', '[99,120)')],
  'overlaps of arrays': [`tags && '{sea,food}'`, (q) => q.overlaps('tags', ['sea', 'food'])],
  'overlaps of ranges': [`reading_age && '[0,3)'`, (q) => q.overlaps('reading_age', '[0,3)')],
  textSearch: [`search @@ to_tsquery('river & tale')`, (q) => q.textSearch('search', 'river & tale')],
  'textSearch, plain': [`search @@ plainto_tsquery('english', 'quiet tales')`, (q) => q.textSearch('search', 'quiet tales', { type: 'plain', config: 'english' })],
  'textSearch, phrase': [`search @@ phraseto_tsquery('english', 'a quiet tale')`, (q) => q.textSearch('search', 'a quiet tale', { type: 'phrase', config: 'english' })],
  'textSearch, websearch': [`search @@ websearch_to_tsquery('english', 'river -tale')`, (q) => q.textSearch('search', 'river -tale', { type: 'websearch', config: 'english' })],
  match: [`language = 'de' and in_print = true`, (q) => q.match({ language: 'de', in_print: true })],
  not: [`not language = 'en'`, (q) => q.not('language', 'eq', 'en')],
  'not in': [`not id in (1, 2, 3)`, (q) => q.not('id', 'in', '(1,2,3)')],
  or: [`(price < 5 or language = 'tr' and in_print)`, (q) => q.or('price.lt.5,and(language.eq.tr,in_print.is.true)')],
  filter: [`series_id >= 20`, (q) => q.filter('series_id', 'gte', 20)],
  'a path in JSON': [`attributes->>'binding' = 'hardback'`, (q) => q.eq('attributes->>binding', 'hardback')],
  'a deeper path in JSON': [`attributes->'size'->'chapters' > '40'`, (q) => q.gt('attributes->size->chapters', 40)],
  'two of one column': [`price >= 6 and price < 8`, (q) => q.gte('price', 6).lt('price', 8)],
}

for (const [name, [sql, apply]] of Object.entries(filters)) {
  const { data, error } = await apply(books()).order('id')
  if (error) {
    throw new Error(`${name}: ${JSON.stringify(error)}`)
  }
  console.log(JSON.stringify({ name, sql, ids: data.map((row) => row.id) }))
}

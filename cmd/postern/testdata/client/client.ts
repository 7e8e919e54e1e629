// What the official client promises beside filters, with its types: compiled by tsc in strict mode, run against the demo.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PostgrestClient, PostgrestError } from '@supabase/postgrest-js'
import type { Database, Language } from './database.js'

const base = process.env['BASE']!
const client = (token?: string) =>
  new PostgrestClient<Database, { PostgrestVersion: '13' }, 'api'>(base, {
    schema: 'api',
    headers: token ? { Authorization: `Bearer ${token}` } : {},
  })
const anonymous = client()
const customer = client(process.env['CUSTOMER']) // customer 17
const clerk = client(process.env['CLERK']) // of shop 3

/** Compiles only where the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_: Same<A, B>) => {}

test('select', async () => {
  const { data, error, status, statusText, count } = await anonymous.from('books').select('id, name:title, language').order('id').limit(2)
  assert.equal(error, null)
  assert.equal(status, 200)
  assert.equal(statusText, 'OK')
  assert.equal(count, null)
  same<typeof data, { id: number; name: string; language: Language }[]>(true)
  assert.deepEqual(data.map((row) => row.id), [1, 2])
  assert.deepEqual(Object.keys(data[0]!), ['id', 'name', 'language'])
  const all = await anonymous.from('publishers').select().eq('id', 7)
  same<NonNullable<typeof all.data>, { id: number; name: string; country: string; founded: number | null }[]>(true)
  assert.equal(all.data![0]!.id, 7)
})

test('a path in JSON and a cast', async () => {
  const { data } = await anonymous.from('books').select('chapters:attributes->size->chapters, price::text').eq('id', 1).single()
  assert.equal(typeof data!.chapters, 'number')
  assert.equal(typeof data!.price, 'string')
})

test('embeds', async () => {
  const query = anonymous.from('books').select('id, publishers(name), authors(family_name), book_details(pages)').in('id', [1, 2]).order('id')
  type Rows = NonNullable<Awaited<typeof query>['data']>
  same<Rows, { id: number; publishers: { name: string }; authors: { family_name: string }[]; book_details: { pages: number } | null }[]>(true)
  const { data, error } = await query
  assert.equal(error, null)
  assert.equal(data!.length, 2)
  assert.equal(typeof data![0]!.publishers.name, 'string')
  assert.ok(Array.isArray(data![0]!.authors))
  assert.ok(data![0]!.book_details!.pages > 0)

  const inner = await anonymous.from('publishers').select('id, books!inner(id, price)').gt('books.price', 50).order('id').limit(5)
  assert.ok(inner.data!.length > 0 && inner.data!.every((row) => row.books.length > 0 && row.books.every((book) => book.price > 50)))
  const spread = await anonymous.from('books').select('id, ...publishers(publisher:name)').eq('id', 1).single()
  assert.deepEqual(Object.keys(spread.data!), ['id', 'publisher'])
  const few = await anonymous.from('publishers').select('id, books(id)').eq('id', 1).order('id', { referencedTable: 'books', ascending: false }).limit(2, { referencedTable: 'books' }).single()
  assert.equal(few.data!.books.length, 2)
  assert.ok(few.data!.books[0]!.id > few.data!.books[1]!.id)
  const or = await anonymous.from('publishers').select('id, books(id, price)').eq('id', 1).or('price.lt.6,price.gt.40', { referencedTable: 'books' }).single()
  assert.ok(or.data!.books.every((book) => book.price < 6 || book.price > 40))
})

test('order, range and count', async () => {
  const first = await anonymous.from('books').select('id, price', { count: 'exact' }).order('price', { ascending: false }).order('id').range(10, 19)
  assert.equal(first.status, 206)
  assert.equal(first.data!.length, 10)
  assert.equal(first.count, 6000)
  const prices = first.data!.map((row) => row.price)
  assert.deepEqual(prices, prices.toSorted((a, b) => b - a))
  const nulls = await anonymous.from('books').select('series_id').order('series_id', { nullsFirst: true }).limit(1).single()
  assert.equal(nulls.data!.series_id, null)
  const head = await anonymous.from('books').select('*', { count: 'exact', head: true }).eq('language', 'tr')
  assert.equal(head.data, null)
  assert.ok(head.count! > 0 && head.count! < 6000)
  for (const count of ['planned', 'estimated'] as const) {
    assert.ok((await anonymous.from('books').select('id', { count }).limit(1)).count! > 0)
  }
  const beyond = await anonymous.from('books').select('id', { count: 'exact' }).range(7000, 7010)
  assert.equal(beyond.status, 416)
  assert.equal(beyond.error!.code, 'PGRST103')
})

test('single and maybeSingle', async () => {
  const one = await anonymous.from('books').select('id').eq('id', 5).single()
  same<typeof one.data, { id: number } | null>(true)
  assert.deepEqual(one.data, { id: 5 })
  const none = await anonymous.from('books').select('id').eq('id', -1).single()
  assert.equal(none.status, 406)
  assert.equal(none.error!.code, 'PGRST116')
  const maybe = await anonymous.from('books').select('id').eq('id', -1).maybeSingle()
  assert.deepEqual([maybe.data, maybe.error, maybe.status], [null, null, 200])
  const found = await anonymous.from('books').select('id').eq('id', 5).maybeSingle()
  assert.deepEqual(found.data, { id: 5 })
  const many = await anonymous.from('books').select('id').lt('id', 5).maybeSingle()
  assert.equal(many.error!.code, 'PGRST116')
})

test('CSV, explain, stripNulls and other forms', async () => {
  const csv = await anonymous.from('books').select('id, language').in('id', [1, 2]).order('id').csv()
  same<NonNullable<typeof csv.data>, string>(true)
  assert.match(csv.data!, /^id,language\n1,\w\w\n2,\w\w$/)
  const stripped = await anonymous.from('books').select('id, series_id').is('series_id', null).limit(1).stripNulls()
  assert.deepEqual(Object.keys(stripped.data![0]!), ['id'])
  const plan = await anonymous.from('books').select('id').explain()
  assert.equal(plan.error!.code, 'PGRST107') // db-plan-enabled is off in the demo
})

test('insert, update, upsert and delete', async () => {
  const added = await clerk.from('visits').insert({ shop_id: 3, visitors: 4 })
  assert.deepEqual([added.status, added.data, added.error], [201, null, null])
  const bulk = await clerk.from('visits').insert([{ shop_id: 3, visitors: 5, note: 'client' }, { shop_id: 3, visitors: 6 }], { count: 'exact', defaultToNull: false }).select('visitors, note')
  assert.equal(bulk.error, null)
  same<NonNullable<typeof bulk.data>, { visitors: number; note: string | null }[]>(true)
  assert.deepEqual(bulk.data, [{ visitors: 5, note: 'client' }, { visitors: 6, note: null }])
  assert.equal(bulk.count, 2)
  const changed = await clerk.from('visits').update({ visitors: 50 }, { count: 'exact' }).eq('note', 'client').select('visitors').single()
  assert.deepEqual([changed.data, changed.count], [{ visitors: 50 }, 1])
  const refused = await clerk.from('visits').update({ visitors: 51 }).gte('visitors', 0).maxAffected(2)
  assert.equal(refused.error!.code, 'PGRST124')

  const wish = { customer_id: 17, book_id: 4242, note: 'first' }
  assert.equal((await customer.from('wishes').upsert(wish)).status, 201)
  const again = await customer.from('wishes').upsert({ ...wish, note: 'second' }, { onConflict: 'customer_id,book_id' }).select('note').single()
  assert.equal(again.data!.note, 'second')
  const ignored = await customer.from('wishes').upsert({ ...wish, note: 'third' }, { ignoreDuplicates: true }).select()
  assert.deepEqual(ignored.data, [])
  const twice = await customer.from('wishes').insert(wish)
  assert.deepEqual([twice.status, twice.error!.code], [409, '23505'])
  const removed = await customer.from('wishes').delete({ count: 'exact' }).eq('book_id', 4242).select('note, books(id)')
  assert.deepEqual(removed.data, [{ note: 'second', books: { id: 4242 } }])
  assert.equal(removed.count, 1)
  assert.equal((await customer.from('wishes').delete().eq('book_id', 4242)).status, 204)
})

test('rpc', async () => {
  const post = await anonymous.rpc('reading_time', { pages: 100 })
  same<NonNullable<typeof post.data>, number>(true)
  assert.equal(post.data, 150)
  assert.equal((await anonymous.rpc('reading_time', { pages: 100, pages_per_hour: 50 }, { get: true })).data, 120)
  const head = await anonymous.rpc('search_books', { query: 'river' }, { head: true, count: 'exact' })
  assert.ok(head.count! > 0)
  const rows = await anonymous.rpc('search_books', { query: 'river' }).select('id, title, publishers(name)').lt('price', 20).limit(3)
  assert.equal(rows.error, null)
  assert.equal(rows.data!.length, 3)
  assert.equal((await anonymous.rpc('average_stars', { book_ids: [1, 2, 3] })).error, null) // variadic
  const wished = await customer.rpc('wish', { book_id: 4243, note: 'by rpc' })
  assert.deepEqual([wished.data!.book_id, wished.data!.note], [4243, 'by rpc'])
  assert.equal((await customer.from('wishes').delete().eq('book_id', 4243)).error, null)
})

test('another schema', async () => {
  const { data } = await anonymous.schema('reports').from('bestsellers').select('rank, title').order('rank').limit(3)
  assert.equal(data![0]!.rank, 1)
  const months = await client(process.env['CLERK']).schema('reports').rpc('sales_by_month', { first_month: '2026-01-01', last_month: '2026-02-01' })
  same<NonNullable<typeof months.data>, { month: string; sales: number; revenue: number }[]>(true)
  assert.equal(months.error, null)
  assert.equal(months.data!.length, 2)
})

test('a view', async () => {
  const { data } = await anonymous.from('catalogue').select('title, publisher').eq('id', 1).single()
  assert.equal(typeof data!.publisher, 'string')
})

test('errors', async () => {
  // @ts-expect-error there is no such relation
  const missing = await anonymous.from('nothing').select()
  assert.deepEqual([missing.status, missing.error!.code], [404, 'PGRST205'])
  // @ts-expect-error nor such a column
  const column = await anonymous.from('visits').insert({ shop_id: 1, visitors: 1, nothing: 1 })
  assert.equal(column.error!.code, 'PGRST204')
  const forbidden = await anonymous.from('customers').select('id')
  assert.deepEqual([forbidden.status, forbidden.error!.code], [401, '42501'])
  const denied = await customer.from('books').delete().eq('id', 1)
  assert.deepEqual([denied.status, denied.error!.code], [403, '42501'])
  await assert.rejects(async () => anonymous.from('customers').select('id').throwOnError(), PostgrestError)
  const token = await client('nonsense').from('books').select('id')
  assert.deepEqual([token.status, token.error!.code], [401, 'PGRST301'])
})

test('abort', async () => {
  const controller = new AbortController()
  const began = Date.now()
  setTimeout(() => controller.abort(), 300)
  const { error, data } = await anonymous.rpc('pause', { seconds: 60 }).abortSignal(controller.signal)
  assert.equal(data, null)
  assert.match(error!.message, /AbortError/)
  assert.ok(Date.now() - began < 5000)
})

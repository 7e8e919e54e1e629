// Asks the demo by types that openapi-typescript made of its description. The compiler checks what is marked as an error.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.d.ts";

declare const process: { argv: string[] };
const [baseUrl, token] = process.argv.slice(2);
const client = createClient<paths, "application/json">({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

const books = await client.GET("/books", {
  params: { query: { price: "lt.8", select: "id,title,series_id,publishers(name)", order: "id", limit: 2 }, header: { Prefer: "count=exact" } },
});
if (books.error) throw new Error(books.error.code);
const book = books.data[0];
const title: string = book.title;
const series: number | null = book.series_id;
const publisher: string | undefined = book.publishers?.name;
const language: components["schemas"]["type.api.language"] = "en";

const time = await client.GET("/rpc/reading_time", { params: { query: { pages: 80 } } });
const minutes: number | null | undefined = time.data;

const wish = await client.POST("/rpc/wish", { body: { book_id: book.id, note: "by types" } });
const note: string | null | undefined = wish.data?.note;

const changed = await client.PATCH("/wishes", {
  params: { query: { book_id: `eq.${book.id}` }, header: { Prefer: "return=representation" } },
  body: { note: "changed" },
});
const again: string | null | undefined = changed.data?.[0].note;

const wrong = await client.GET("/books", { params: { query: { price: "cheap" } } });
const code: string | undefined = wrong.error?.code;

function neverCalled() {
  // @ts-expect-error there is no such column
  void client.GET("/books", { params: { query: { colour: "eq.red" } } });
  // @ts-expect-error there is no such table
  void client.GET("/libraries", {});
  // @ts-expect-error a new review has to have stars
  void client.POST("/reviews", { body: { book_id: 1, customer_id: 1 } });
  // @ts-expect-error the total is generated
  void client.PATCH("/sale_lines", { body: { total: 1 } });
  // @ts-expect-error a view that cannot be written has no such operation
  void client.POST("/catalogue", { body: {} });
  // @ts-expect-error there is no such language
  const none: components["schemas"]["type.api.language"] = "tlh";
  void none;
  // A default need not be given.
  void client.POST("/addresses", { body: { customer_id: 7, street: "x", postcode: "x", city: "x" } });
}
void neverCalled;

console.log(JSON.stringify({
  title: title !== "", series, publisher: publisher !== undefined, language, range: books.response.headers.get("Content-Range") !== null,
  minutes, note, again, code,
}));

// The part of the demo database that the tests use, in the form that the client's documentation asks for.

type Books = {
  id: number
  isbn: string
  title: string
  subtitle: string | null
  publisher_id: number
  series_id: number | null
  series_number: number | null
  language: Language
  published: string
  price: number
  in_print: boolean
  reading_age: string
  tags: string[]
  attributes: { binding: string; awards: number; size: { chapters: number; maps: boolean } }
  search: unknown
}
type Publishers = { id: number; name: string; country: string; founded: number | null }
type Visits = { id: number; shop_id: number; counted_at: string; visitors: number; note: string | null }
type Wishes = { customer_id: number; book_id: number; note: string | null; added: string }
type Customers = { id: number; name: string; email: string }
type Authors = { id: number; given_name: string; family_name: string; country: string; born: number | null; pen_names: string[] }
type BookAuthors = { book_id: number; author_id: number; position: number }
type BookDetails = { book_id: number; pages: number }
type Catalogue = { id: number | null; title: string | null; publisher: string | null; stars: number | null }

export type Language = 'en' | 'fr' | 'de' | 'es' | 'pl' | 'tr'

type Table<Row, Required extends keyof Row, Relationships> = {
  Row: Row
  Insert: Partial<Row> & Pick<Row, Required>
  Update: Partial<Row>
  Relationships: Relationships
}

type To<Name extends string, Column extends string, One extends boolean, Target extends string> = {
  foreignKeyName: Name
  columns: [Column]
  isOneToOne: One
  referencedRelation: Target
  referencedColumns: ['id']
}

export type Database = {
  __InternalSupabase: { PostgrestVersion: '13' }
  api: {
    Tables: {
      books: Table<Books, 'isbn' | 'title' | 'publisher_id' | 'published' | 'price', [To<'books_publisher_id_fkey', 'publisher_id', false, 'publishers'>]>
      publishers: Table<Publishers, 'name' | 'country', []>
      authors: Table<Authors, 'given_name' | 'family_name' | 'country', []>
      book_authors: Table<BookAuthors, 'book_id' | 'author_id', [
        To<'book_authors_book_id_fkey', 'book_id', false, 'books'>, To<'book_authors_author_id_fkey', 'author_id', false, 'authors'>]>
      book_details: Table<BookDetails, 'book_id' | 'pages', [To<'book_details_book_id_fkey', 'book_id', true, 'books'>]>
      customers: Table<Customers, 'name' | 'email', []>
      visits: Table<Visits, 'shop_id' | 'visitors', []>
      wishes: Table<Wishes, 'customer_id' | 'book_id', [
        To<'wishes_book_id_fkey', 'book_id', false, 'books'>, To<'wishes_customer_id_fkey', 'customer_id', false, 'customers'>]>
    }
    Views: {
      catalogue: { Row: Catalogue; Relationships: [] }
    }
    Functions: {
      reading_time: { Args: { pages: number; pages_per_hour?: number }; Returns: number }
      search_books: { Args: { query: string; language?: Language; max_price?: number }; Returns: Books[]; SetofOptions: { from: '*'; to: 'books'; isOneToOne: false; isSetofReturn: true } }
      wish: { Args: { book_id: number; note?: string }; Returns: Wishes }
      average_stars: { Args: { book_ids: number[] }; Returns: number }
      pause: { Args: { seconds: number }; Returns: string }
    }
    Enums: { language: Language }
    CompositeTypes: Record<never, never>
  }
  reports: {
    Tables: Record<never, never>
    Views: {
      bestsellers: { Row: { book_id: number | null; title: string | null; copies: number | null; rank: number | null }; Relationships: [] }
    }
    Functions: {
      sales_by_month: { Args: { first_month?: string; last_month?: string }; Returns: { month: string; sales: number; revenue: number }[] }
    }
    Enums: Record<never, never>
    CompositeTypes: Record<never, never>
  }
}

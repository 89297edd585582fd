export interface Book {
  readonly id: string
  readonly title: string
  readonly author: string
}

export const BOOKS: readonly Book[] = [
  { id: 'frankenstein', title: 'Frankenstein; or, The Modern Prometheus', author: 'Mary Shelley' },
  { id: 'middlemarch', title: 'Middlemarch', author: 'George Eliot' },
  { id: 'moby-dick', title: 'Moby-Dick; or, The Whale', author: 'Herman Melville' },
  { id: 'souls', title: 'The Souls of Black Folk', author: 'W. E. B. Du Bois' },
  { id: 'pedro-paramo', title: 'Pedro Páramo', author: 'Juan Rulfo' },
]

export function findBook(id: string | null): Book | undefined {
  return BOOKS.find((book) => book.id === id)
}

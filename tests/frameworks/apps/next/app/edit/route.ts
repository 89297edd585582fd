import * as session from '@/lib/session'

/** Which edit of the module the server has: the tests add an export to it. */
export async function GET() {
  const { edit = 0 }: { readonly sess: unknown; readonly edit?: number } = session
  return new Response(String(edit))
}

export const dynamic = 'force-dynamic'

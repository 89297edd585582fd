import type { NextApiRequest, NextApiResponse } from 'next'
import { sess } from '@/lib/session'

export default async function handler(req: NextApiRequest, res: NextApiResponse) {
  const session = await sess.open(req, res)
  const { seen = 0, user = 'a stranger' } = session
  res.json({ seen, user, visits: session.update('visits', (n = 0) => n + 1) })
}

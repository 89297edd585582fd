import { sessions } from '@sess/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Before, cutEach, endsAll, listsAll, OPERATIONS, prepare, STAGES } from '../support/owner-cuts.ts'
import { skipPauses } from '../support/pauses.ts'

describe.each(Object.entries(STAGES))('with %s', (_, { devices, options }) => {
  skipPauses()
  let before: Before
  beforeAll(async () => {
    before = await prepare(sessions, devices)
  })

  describe.each(Object.entries(OPERATIONS))('whatever is cut of %s', (_name, operation) => {
    test('every live session that a browser can open is listed, and has one live token', async () => {
      expect(await cutEach({ make: sessions, before, options, operation }, listsAll)).toEqual([])
    })

    test('a revocation afterwards ends all', async () => {
      expect(await cutEach({ make: sessions, before, options, operation }, endsAll)).toEqual([])
    })
  })
})

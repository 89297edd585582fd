import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Installation } from '../../packages/core/test/support/installation.ts'
import { Document } from './support/document.ts'
import { compile, workspace } from './support/workspace.ts'

/** Milliseconds for compiling and running processes on a busy machine. */
const PATIENCE = 60_000

const { files } = new Document('docs/guide/testing.md')
const recipes = Object.keys(files).filter((name) => name.endsWith('.test.ts'))

const at = new Installation()
beforeAll(async () => expect(await compile(workspace(at), files)).toBe(''), PATIENCE)
afterAll(() => at.remove())

describe('docs/guide/testing.md', () => {
  test('has recipes', () => expect(recipes.length).toBeGreaterThan(3))

  test.each(recipes)(
    '%s passes, and leaves nothing that keeps its process alive',
    async (name) => {
      const { failed, stdout } = await at.node(['--test', '--test-reporter=tap', `out/${name.replace('.ts', '.js')}`])
      expect({ failed, stdout }).toEqual({ failed: false, stdout: expect.stringMatching(/^# pass [1-9]/m) })
      expect(stdout).toContain('# fail 0')
    },
    PATIENCE,
  )
})

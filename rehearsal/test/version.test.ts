import { expect, inject, it } from 'vitest'

it('x', () => { expect(inject('versions')).toBe({}) })

'use client'

import { useEffect } from 'react'
import { dismiss } from './actions'

/** Shows a notice once: when the browser shows it, it is used up. Without JavaScript it stays until it is confirmed. */
export function Notice({ text }: { text: string }) {
  useEffect(() => void dismiss(), [])
  return (
    <form action={dismiss} id="dismiss">
      <output>{text}</output>{' '}
      <noscript>
        <button>OK</button>
      </noscript>
    </form>
  )
}

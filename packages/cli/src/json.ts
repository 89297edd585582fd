/** JSON in one line. */
export function jsonLine(value: unknown): string {
  return harmless(JSON.stringify(value))
}

/** JSON in lines. */
export function jsonDocument(value: object): string {
  return `${harmless(JSON.stringify(value, null, 2))}\n`
}

/**
 * Escapes what would command a terminal, or would not be seen, such as the character that reverses the direction of a text:
 * visitors write what sessions hold. JSON itself escapes a part of it.
 */
function harmless(json: string): string {
  return json.replaceAll(/(?!\n)[\p{C}\p{Zl}\p{Zp}]/gu, (character) =>
    character
      .split('')
      .map((unit) => String.raw`\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

// The frame and the colours of every chart: dark on white, and light on black for readers who prefer that.

const STYLE = `
text { font: 11px system-ui, sans-serif; fill: #1f2328 }
.paper { fill: #ffffff }
.title { font-size: 14px; font-weight: 600 }
.strong { font-weight: 600 }
.note { fill: #59636e }`

const DARK = `
  text { fill: #f0f6fc } .paper { fill: #0d1117 } .note { fill: #9198a1 }`

/** @param {string} text */
export const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/** @param {any} surroundings of a run @returns {string} where and with what it was measured */
export const placeOf = ({ machine, versions }) =>
  `${machine.processors} processors (${machine.model}), ${machine.system}, Node ${versions.node}`

/**
 * A picture that is readable on any page: it brings its own background.
 *
 * @param {object} picture
 * @param {number} picture.width
 * @param {number} picture.height
 * @param {string} picture.label what readers who cannot see it are told
 * @param {string} picture.title
 * @param {string} picture.note
 * @param {string} picture.style of the classes that only this picture has
 * @param {string} picture.dark the same, for readers who prefer dark pages
 * @param {readonly string[]} picture.lines elements
 */
export function svg({ width, height, label, title, note, style, dark, lines }) {
  const margin = 12
  const box = [-margin, -margin, width + 2 * margin, height + 2 * margin]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${box.join(' ')}" role="img" aria-label="${escape(label)}">
<style>${STYLE}
${style}
@media (prefers-color-scheme: dark) {${DARK}
  ${dark}
}
</style>
<rect class="paper" x="${box[0]}" y="${box[1]}" width="${box[2]}" height="${box[3]}" rx="6"/>
<text class="title" x="0" y="16">${escape(title)}</text>
<text class="note" x="0" y="34">${escape(note)}</text>
${lines.join('\n')}
</svg>
`
}

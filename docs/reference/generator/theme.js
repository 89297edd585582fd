// The layout of a reference page: whole signatures with links on the names, and no repetition.
import { UnionType } from 'typedoc'
import { MarkdownTheme, MarkdownThemeContext } from 'typedoc-plugin-markdown'

const INTRODUCTION = `What each package exports, generated from its docstrings by \`npm run reference\`. The [guide](../README.md) explains
how to use it, and the [glossary](../glossary.md) defines the terms.`

class Context extends MarkdownThemeContext {
  /** @param {ConstructorParameters<typeof MarkdownThemeContext>} given */
  constructor(...given) {
    super(...given)
    const { body, declaration } = this.partials
    Object.assign(this.partials, {
      // The signature already shows these.
      signatureReturns: () => '',
      inheritance: () => '',
      hierarchy: () => '',

      /**
       * @param {import('typedoc').DeclarationReflection} model
       * @param {Parameters<typeof declaration>[1]} shape
       */
      declaration: (model, shape) => [declaration(model, shape), ...this.#meanings(model.type)].join('\n\n'),

      /**
       * @param {import('typedoc').ContainerReflection} model
       * @param {Parameters<typeof body>[1]} shape
       */
      body: (model, shape) => {
        for (const group of model.groups ?? []) group.children = group.children.filter((child) => !child.isReference())
        model.groups = (model.groups ?? []).filter(({ children }) => children.length > 0)
        return [...this.#references(model), body(model, shape)].join('\n\n')
      },
    })
    Object.assign(this.helpers, { hasUsefulTypeDetails: () => false })
  }

  /**
   * The meaning of each member of a union, if it has a docstring.
   *
   * @param {import('typedoc').SomeType | undefined} type
   */
  #meanings(type) {
    const { types = [], elementSummaries = [] } = type instanceof UnionType ? type : {}
    if (elementSummaries.length === 0) return []
    const rows = types.map((each, index) => {
      const meaning = this.helpers.getCommentParts(elementSummaries[index] ?? []).replaceAll('\n', ' ')
      return `| ${this.partials.someType(each, { forceCollapse: true })} | ${meaning} |`
    })
    return [['| Value | Description |', '| ------ | ------ |', ...rows].join('\n')]
  }

  /**
   * Links to exports that another page describes.
   *
   * @param {import('typedoc').ContainerReflection} model
   */
  #references({ children = [] }) {
    const references = children.filter((child) => child.isReference())
    if (references.length === 0) return []
    const links = references.map((each) => `[${each.name}](${this.urlTo(each.getTargetReflectionDeep())})`)
    return [`It also exports ${links.join(', ')}.`]
  }
}

class Theme extends MarkdownTheme {
  /**
   * @override
   * @param {import('typedoc-plugin-markdown').MarkdownPageEvent<import('typedoc').Reflection>} page
   */
  getRenderContext(page) {
    return new Context(this, page, this.application.options)
  }

  /**
   * @override
   * @param {import('typedoc-plugin-markdown').MarkdownPageEvent} page
   */
  render(page) {
    const text = super.render(page)
    return page.url === 'README.md' ? text.replace('## Modules', INTRODUCTION) : text
  }
}

/** @param {import('typedoc').Application} application */
export function load({ renderer }) {
  renderer.defineTheme('reference', Theme)
}

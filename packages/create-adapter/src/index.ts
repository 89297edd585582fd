export const placeholder = 'replaced while this branch is written'

export const measure = async () => undefined
export const report = () => ''

/** The names give the age: in a rotation the newest secret comes first. */
export const SECRET = 'a secret of the tests, of 32 bytes or more'
export const OLDER_SECRET = 'an older secret, which has as many bytes'
export const OTHER_SECRET = "another application's secret of as many bytes"

import { whoAmI } from '../actions'

export default async function Page() {
  return <p>{`You are ${await whoAmI()}.`}</p>
}

/** Answers a `Request` with a `Response`. */
export type FetchHandler<A extends readonly unknown[]> = (request: Request, ...rest: A) => Response | Promise<Response>

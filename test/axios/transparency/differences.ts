/** What differs between a bare and an attached instance: the headings of docs/differences.md, and what each covers. */
export interface Difference {
  /** A heading of docs/differences.md. */
  readonly heading: string;
  /** The fields of an observation that may differ, in scenarios whose name matches. */
  readonly fields: RegExp;
  readonly scenarios: RegExp;
}

export const DIFFERENCES: readonly Difference[] = [
  { heading: "The token's header", fields: /^server\.\d+\.headers\.authorization$/, scenarios: /./ },
  { heading: '`request` is not enumerable', fields: /^(?:outcome|response)\.keys\.request$/, scenarios: /./ },
  {
    heading: 'The framing of forms',
    fields: /^server\.\d+\.(?:headers\.(?:content-length|content-type|transfer-encoding)|body)$/,
    scenarios: /FormData/,
  },
  {
    heading: 'Redirects by fetch',
    fields: /^server\.\d+\.headers\.(?:referer|sec-fetch-mode)$/,
    scenarios: /fetch.*redirect/,
  },
];

/** What differs where no scenario of the suite looks. */
export const OTHER_HEADINGS: readonly string[] = [
  '`config.headers` are the caller’s',
  'A streamed request body reaches the adapter as a copy',
  'Looks into streamed responses',
  'Loopback takes no proxy from the environment',
  'Handlers of mocks that name exact headers',
];

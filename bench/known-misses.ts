/** Budgets that are known to be missed, by the row's id, and why. A miss that is not listed fails the bench. */
export const knownMisses: Readonly<Record<string, string>> = {
  loopback:
    'by 2 to 4 percent, about 8 µs of some 170 µs of work: two thirds of it cost any wrapper around the adapter that copies ' +
    'the headers, 2 µs the "request" of each response that is hidden from printing (rule G2)',
  bundle:
    'what is promised takes more code than the budget foresaw, and nothing of it runs before the first call: given up in ' +
    'docs/decisions.md, and kept below 35 kB by a test',
  'many-tokens-time':
    'the look-up is constant-time, but no cache of the processor holds 100,000 tokens; half of the difference is ' +
    'what a bare Map of as many entries costs more than one of one',
  'many-clients-memory':
    'an auth of its own for each client: its options, gate, stores and closures take 5.8 kB, its token 0.6 kB',
};

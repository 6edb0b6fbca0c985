/** What went wrong and what is left, told in one error when the test asks. */
export class Ledger {
  readonly #problems: string[] = [];
  readonly #unexpected: string[] = [];

  /** A request that a mock took, and that breaks a rule. */
  addProblem(problem: string): void {
    this.#problems.push(problem);
  }

  /** A request that no mock was declared for. */
  addUnexpected(request: string): void {
    this.#unexpected.push(request);
  }

  /** Throws if anything is amiss; `pending` are the mocks that no request has used, and `whyDeaf` says why none could. */
  check(pending: readonly string[], whyDeaf: string | undefined): void {
    const sections = [
      section('Requests that break a rule', this.#problems, ''),
      section(
        'Unexpected requests',
        this.#unexpected,
        'Declare one mock for each request, retries and replays included.',
      ),
      section(
        'Mocks that were never used',
        pending,
        whyDeaf ??
          'Either the code did not send the request, or it has not sent it yet: await it before done().',
      ),
    ].filter((text) => text !== '');
    if (sections.length > 0) throw new Error(`mockPayu: not as declared.\n\n${sections.join('\n\n')}`);
  }
}

function section(title: string, lines: readonly string[], hint: string): string {
  if (lines.length === 0) return '';
  const list = lines.map((line) => `  - ${line}`).join('\n');
  return `${title} (${lines.length}):\n${list}${hint === '' ? '' : `\n  ${hint}`}`;
}

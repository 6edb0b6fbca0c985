/** One thing that was looked at. A closed union on `kind`; only `mend` makes the doctor's exit code 1. */
export type Finding =
  | { readonly kind: 'ok' | 'note'; readonly subject: string; readonly what: string }
  | { readonly kind: 'mend'; readonly subject: string; readonly what: string; readonly remedy: string };

const MARKS: Readonly<Record<Finding['kind'], string>> = { ok: 'ok  ', note: 'note', mend: 'MEND' };

export function ok(subject: string, what: string): Finding {
  return { kind: 'ok', subject, what };
}

export function note(subject: string, what: string): Finding {
  return { kind: 'note', subject, what };
}

export function mend(subject: string, what: string, remedy: string): Finding {
  return { kind: 'mend', subject, what, remedy };
}

/** One finding, one line: what it is, and behind the arrow what to do. */
export function findingLine(finding: Finding): string {
  const { kind, subject, what } = finding;
  const remedy = kind === 'mend' ? ` → ${finding.remedy}` : '';
  // A server's words may hold a line break.
  return `${MARKS[kind]} ${`${subject}: ${what}${remedy}`.replace(/\s+/g, ' ')}`;
}

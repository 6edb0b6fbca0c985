/** One budget, and what was measured against it. */
export interface Finding {
  /** Names the row where a miss is known. */
  readonly id: string;
  readonly what: string;
  readonly budget: string;
  readonly measured: string;
  readonly isMet: boolean;
}

/** Figures without a budget that help to read those with one. */
export interface Aside {
  readonly title: string;
  /** What the figures are, and how they were got. */
  readonly text: string;
  readonly table: Table;
}

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Outcome {
  readonly findings: readonly Finding[];
  readonly asides: readonly Aside[];
}

/** A table of Markdown that is also fit for a terminal. */
export function markdown({ head, rows }: Table): string {
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

export const number: Intl.NumberFormat = new Intl.NumberFormat('en-GB');

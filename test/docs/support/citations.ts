/** Where a rule is cited. */
export interface Citation {
  readonly rule: string;
  readonly line: number;
}

const RULE = '[A-Z]\\d+';
/** A line break within a comment counts as a space. */
const GAP = '(?:[ \\t]*\\n[ \\t]*(?:\\*|//)?)?[ \\t]*';
const BETWEEN = `(?:,${GAP}(?:and )?|${GAP}and${GAP}|${GAP}or${GAP}|${GAP}to${GAP}|\\.\\.|–|-)`;
const LIST = `${RULE}(?:${BETWEEN}${RULE})*`;

/** "rule C5", "rules E2 and E3", "rules D2 to D6"; "(C4, E3)" only where nothing else is in the parentheses, and no call. */
const CITATION = new RegExp(
  `\\b[Rr]ules?(?:${GAP})(?<spoken>${LIST})\\b|(?<=^|[\\s"'\`])\\((?<bracketed>${LIST})\\)`,
  'gm',
);
const RANGE = new RegExp(`(${RULE})(?:${GAP}to${GAP}|\\.\\.|–|-)(${RULE})`, 'g');

/** All rules that a text cites; of a range each one within it. */
export function citationsIn(text: string): readonly Citation[] {
  return [...text.matchAll(CITATION)].flatMap(({ index, groups }) => {
    const line = text.slice(0, index).split('\n').length;
    const list = groups?.spoken ?? groups?.bracketed ?? '';
    return rulesIn(list).map((rule) => ({ rule, line }));
  });
}

function rulesIn(list: string): readonly string[] {
  const within = [...list.matchAll(RANGE)].flatMap(([, first = '', last = '']) => between(first, last));
  const named = [...list.matchAll(new RegExp(RULE, 'g'))].map(([rule]) => rule);
  return [...new Set([...named, ...within])];
}

/** A range over several letters says nothing of what lies between. */
function between(first: string, last: string): readonly string[] {
  const [from, to] = [Number(first.slice(1)), Number(last.slice(1))];
  if (first[0] !== last[0] || from > to) return [];
  return Array.from({ length: to - from + 1 }, (_, index) => `${first[0]}${from + index}`);
}

import { homedir } from 'node:os';
import type { TestProject } from 'vitest/node';
import { ended } from './project.ts';

export const MAJORS = [20, 22, 24, 26] as const;

declare module 'vitest' {
  interface ProvidedContext {
    /** The program of each Node.js. */
    readonly nodes: Readonly<Record<(typeof MAJORS)[number], string>>;
  }
}

/** Finds each Node.js once: the one that runs this, the others as npm has them. */
// biome-ignore lint/style/noDefaultExport: vitest looks for it there.
export default async function setup(project: TestProject): Promise<void> {
  const found = await Promise.all(MAJORS.map(async (major) => [major, await programOf(major)] as const));
  project.provide('nodes', Object.fromEntries(found) as Record<(typeof MAJORS)[number], string>);
}

async function programOf(major: number): Promise<string> {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const args = ['--yes', '-p', `node@${major}`, 'node', '-p', 'process.execPath'];
  const { code, stdout, stderr } = await ended('npx', args, homedir());
  if (code !== 0) throw new Error(`npm has no Node.js ${major} for this machine:\n${stderr}`);
  return stdout.trim();
}

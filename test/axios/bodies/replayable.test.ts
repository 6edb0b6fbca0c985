import { PassThrough, Readable } from 'node:stream';
import NpmFormData from 'form-data';
import { describe, expect, test } from 'vitest';
import { classifyBody, type FrozenBody, MOST_FROZEN_BYTES } from '../../../src/axios/bodies/replayable.ts';
import type { WaitBounds } from '../../../src/axios/cancellation.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function npmForm(...parts: readonly unknown[]): NpmFormData {
  const form = new NpmFormData();
  parts.forEach((part, index) => {
    form.append(`part${index}`, part as string);
  });
  return form;
}

describe('a body can be sent a second time', () => {
  test.each([
    ['none', undefined, 'repeatable'],
    ['null', null, 'repeatable'],
    ['text', 'a', 'repeatable'],
    ['a Buffer', Buffer.from('a'), 'repeatable'],
    ['a view', new Float32Array(1), 'repeatable'],
    ['an ArrayBuffer', new ArrayBuffer(1), 'repeatable'],
    ['a Blob', new Blob(['a']), 'repeatable'],
    ['a File', new File(['a'], 'a.txt'), 'repeatable'],
    ['URLSearchParams', new URLSearchParams({ a: '1' }), 'repeatable'],
    ['FormData', new FormData(), 'freezable'],
    ['form-data of text and bytes', npmForm('a', Buffer.from('b')), 'freezable'],
    ['form-data with a stream behind text', npmForm('a', Readable.from(['b'])), 'once'],
    ['form-data that was sent as a stream before', sentBefore(), 'once'],
    ['form-data with a part that a function gives', npmForm(() => {}), 'once'],
    ['form-data without getBoundary', { getHeaders: () => ({}), _streams: ['a'] }, 'once'],
    ['form-data without getHeaders', { getBoundary: (): string => 'b', _streams: ['a'] }, 'once'],
    [
      'form-data without parts',
      { getBoundary: (): string => 'b', getHeaders: () => ({}), _streams: [] },
      'once',
    ],
    ['form-data without a list of parts', { getBoundary: (): string => 'b', getHeaders: () => ({}) }, 'once'],
    ['URLSearchParams that say how to head themselves', headed(), 'once'],
    ['a Readable', Readable.from(['a']), 'once'],
    ['a ReadableStream', new ReadableStream(), 'once'],
    ['false, which is sent as no body', false, 'repeatable'],
    ['0, which is sent as no body', 0, 'repeatable'],
    ['a number, which fetch sends as text', 7, 'repeatable'],
    ['a bigint', 7n, 'repeatable'],
    ['a function', () => 'a', 'once'],
    ['an object', { a: 1 }, 'once'],
  ])('%s: %3$s', (_, body, kind) => {
    expect(classifyBody(configOf(body)).kind).toBe(kind);
  });

  function sentBefore(): NpmFormData {
    const form = npmForm('a');
    form.resume();
    return form;
  }

  function headed(): URLSearchParams {
    return Object.assign(new URLSearchParams(), { getHeaders: () => ({}) });
  }
});

function configOf(data: unknown, formDataHeaderPolicy?: string) {
  return { data, formDataHeaderPolicy };
}

async function freeze(config: ReturnType<typeof configOf>, limit: Partial<WaitBounds> = {}) {
  const classified = classifyBody(config);
  if (classified.kind !== 'freezable') throw new Error('It can be frozen.');
  return classified.freeze({ clock: new ManualClock(), limitMs: 1_000, ...limit });
}

async function frozen(body: unknown) {
  const { bytes, headers } = (await freeze(configOf(body))) as FrozenBody;
  return { text: bytes.toString('latin1'), type: String(headers['Content-Type']) };
}

describe('a form, frozen', () => {
  const form = new FormData();
  form.append('name', 'ünï--boundary');

  test('has a boundary of its own, and the type that tells it', async () => {
    const { text, type } = await frozen(form);
    const boundary = type.replace('multipart/form-data; boundary=', '');
    expect(text.startsWith(`--${boundary}\r\n`)).toBe(true);
    expect(Buffer.from(text, 'latin1').toString()).toContain('ünï--boundary');
  });

  test('of another library is not taken for a form of the platform', async () => {
    expect(await freeze(configOf({ [Symbol.toStringTag]: 'FormData' }))).toBeUndefined();
  });

  test.each([
    [
      undefined,
      { 'content-type': 'multipart/form-data; boundary=b', 'x-signature': 's', 'content-length': '1' },
    ],
    [
      'legacy',
      { 'content-type': 'multipart/form-data; boundary=b', 'x-signature': 's', 'content-length': '1' },
    ],
    ['content-only', { 'content-type': 'multipart/form-data; boundary=b', 'content-length': '1' }],
  ])('of form-data has its own headers, with the policy %s', async (policy, expected) => {
    const headers = {
      'content-type': 'multipart/form-data; boundary=b',
      'x-signature': 's',
      'content-length': '1',
    };
    const form = { getBoundary: (): string => 'b', getHeaders: () => headers, _streams: ['a'] };
    expect(await freeze(configOf(form, policy))).toEqual({
      bytes: Buffer.from('a--b--\r\n'),
      headers: expected,
    });
  });
});

describe('the bytes of form-data are those that it streams', () => {
  test.each<[string, (form: NpmFormData) => void]>([
    ['text', (form) => form.append('a', 'ü\nline')],
    ['an empty text', (form) => form.append('a', '')],
    ['a number', (form) => form.append('a', 5)],
    ['bytes', (form) => form.append('file', Buffer.from([0, 255]), { filename: 'ü.bin' })],
    ['no bytes', (form) => form.append('file', Buffer.alloc(0))],
    ['text like a boundary', (form) => form.append('a', '--own-boundary')],
    // As in the package's read-me, for servers that want another line break.
    [
      'a header of its own',
      (form) => form.append('a', 'x', { header: '\r\n--own-boundary\r\nx: 1\r\n\r\n' }),
    ],
    ['a header without a boundary', (form) => form.append('a', 'x', { header: 'x: 1\r\n\r\n' })],
    ['headers of its own', (form) => form.append('a', 'x', { header: { 'x-a': '1' } })],
  ])('%s', async (_, append) => {
    const form = new NpmFormData();
    form.setBoundary('own-boundary');
    append(form);
    form.append('last', 'z');
    const frozen = await freeze(configOf(form));
    expect(String(frozen?.bytes)).toBe(String(Buffer.concat(await form.pipe(new PassThrough()).toArray())));
  });
});

describe('a form is not frozen, and nobody waits for it', () => {
  const stalling = () => formOf(new ReadableStream());

  /** A form with a file whose bytes come from a stream. */
  function formOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): FormData {
    const form = new FormData();
    const file = new File(['a'], 'a.csv');
    form.append('file', file);
    // The platform reads the file that it holds, so this is how one stalls.
    Object.defineProperty(form.get('file'), 'stream', { value: () => stream });
    return form;
  }

  test.each([
    [MOST_FROZEN_BYTES, true],
    [MOST_FROZEN_BYTES - 1_000, true],
    [MOST_FROZEN_BYTES + 1, false],
  ])('by its size: %i bytes, of form-data', async (size, isFrozen) => {
    const form = {
      getBoundary: () => 'b',
      getHeaders: () => ({}),
      _streams: [Buffer.alloc(size)],
    };
    expect((await freeze(configOf(form))) !== undefined).toBe(isFrozen);
  });

  test.each([
    [MOST_FROZEN_BYTES - 1_000, true],
    // With what stands between the parts, it is more.
    [MOST_FROZEN_BYTES, false],
    [MOST_FROZEN_BYTES + 1, false],
  ])('by its size: %i bytes, of FormData', async (size, isFrozen) => {
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(size)]));
    expect((await freeze(configOf(form))) !== undefined).toBe(isFrozen);
  });

  test('by a stalling file, once the time is over', async () => {
    const clock = new ManualClock();
    const freezing = freeze(configOf(stalling()), { clock, limitMs: 300 });
    clock.advance(299);
    expect(clock.pending).toBe(1);
    clock.advance(1);
    expect(await freezing).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  test('by a file that can’t be read', async () => {
    const broken = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: () => Promise.reject(new Error('the disk is gone')),
    });
    expect(await freeze(configOf(formOf(broken)))).toBeUndefined();
  });
});

import { Readable } from 'node:stream';
import NpmFormData from 'form-data';
import { describe, expect, test } from 'vitest';
import { classifyBody } from '../../../src/axios/bodies/replayable.ts';

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
    ['form-data without getBuffer', { getHeaders: () => ({}), _streams: [] }, 'once'],
    ['form-data without getHeaders', { getBuffer: () => Buffer.alloc(0), _streams: [] }, 'once'],
    ['form-data without parts', { getBuffer: () => Buffer.alloc(0), getHeaders: () => ({}) }, 'once'],
    ['URLSearchParams that say how to head themselves', headed(), 'once'],
    ['a Readable', Readable.from(['a']), 'once'],
    ['a ReadableStream', new ReadableStream(), 'once'],
    ['a number', 7, 'once'],
    ['an object', { a: 1 }, 'once'],
  ])('%s: %3$s', (_, body, kind) => {
    expect(classifyBody(body, undefined).kind).toBe(kind);
  });

  function headed(): URLSearchParams {
    return Object.assign(new URLSearchParams(), { getHeaders: () => ({}) });
  }
});

async function frozen(body: unknown, contentType?: string) {
  const classified = classifyBody(body, contentType);
  if (classified.kind !== 'freezable') throw new Error('It can be frozen.');
  const { bytes, contentType: type } = await classified.freeze();
  return { text: bytes.toString('latin1'), type };
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

  test.each([
    ['multipart/form-data; boundary=own', 'own'],
    ['multipart/form-data;boundary=own', 'own'],
    ['multipart/form-data;  boundary="own one"', 'own one'],
    ['multipart/form-data; BOUNDARY=own; charset=utf-8', 'own'],
  ])('keeps a boundary of the caller’s: %s', async (contentType, boundary) => {
    const { text, type } = await frozen(form, contentType);
    expect(type).toBe(contentType);
    expect(text.startsWith(`--${boundary}\r\n`)).toBe(true);
    expect(text.endsWith(`--${boundary}--\r\n`) || text.endsWith(`--${boundary}--`)).toBe(true);
    expect(text.split(`--${boundary}`)).toHaveLength(3);
  });

  test('takes its own type where the caller’s tells no boundary', async () => {
    expect((await frozen(form, 'multipart/form-data')).type).toMatch(/^multipart\/form-data; boundary=/);
  });

  test('of another library is not taken for a form of the platform', async () => {
    const foreign = { [Symbol.toStringTag]: 'FormData' };
    await expect(frozen(foreign)).rejects.toThrow('Not a FormData of this platform.');
  });

  test('of form-data has the type that it tells, or the general one', async () => {
    const npm = npmForm('a');
    expect((await frozen(npm)).type).toBe(npm.getHeaders()['content-type']);
    const mute = { getBuffer: () => Buffer.from('a'), getHeaders: () => ({}), _streams: ['a'] };
    expect((await frozen(mute)).type).toBe('multipart/form-data');
  });
});

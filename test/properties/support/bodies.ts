import { Readable } from 'node:stream';
import NpmFormData from 'form-data';
import type { BodyKind } from './steps.ts';

/** A body of this kind, and whether it can be sent a second time with the same bytes. */
export function bodyOf(kind: BodyKind, text: string): { readonly data: unknown; readonly isOnce: boolean } {
  switch (kind) {
    case 'none':
      return { data: undefined, isOnce: false };
    case 'json':
      return { data: { text }, isOnce: false };
    case 'text':
      return { data: text, isOnce: false };
    case 'buffer':
      return { data: Buffer.from(text), isOnce: false };
    case 'params':
      return { data: new URLSearchParams({ text }), isOnce: false };
    case 'blob':
      return { data: new Blob([text], { type: 'text/plain' }), isOnce: false };
    case 'form': {
      const form = new FormData();
      form.set('text', text);
      form.set('file', new Blob([text]), 'note.txt');
      return { data: form, isOnce: false };
    }
    case 'npm-form': {
      const form = new NpmFormData();
      form.append('text', text);
      return { data: form, isOnce: false };
    }
    case 'npm-form-stream': {
      const form = new NpmFormData();
      form.append('text', Readable.from([text]), { filename: 'note.txt', knownLength: text.length });
      return { data: form, isOnce: true };
    }
    case 'stream':
      return { data: Readable.from([Buffer.from(text)]), isOnce: true };
    default:
      throw kind satisfies never;
  }
}

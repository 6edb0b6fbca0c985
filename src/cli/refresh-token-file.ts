import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { MemoryTokenStore, type TokenRecord } from '../index.ts';
import type { Settings } from './settings.ts';
import { type Flags, NotSavedError, type Surroundings, UsageError } from './surroundings.ts';

/** Remembers the refresh token, which `AccessToken` does not show. */
export class KeepingStore extends MemoryTokenStore {
  refreshToken: string | undefined;

  override set(key: string, record: TokenRecord): void {
    this.refreshToken = record.refreshToken;
    super.set(key, record);
  }
}

/**
 * Where the refresh token goes. PayU may replace it at each use, and the old one is then useless. So the file is
 * checked before anything is sent, and is replaced in one step.
 */
export class RefreshTokenFile {
  readonly #path: string;
  readonly #draft: FileHandle;

  private constructor(path: string, draft: FileHandle) {
    this.#path = path;
    this.#draft = draft;
  }

  /** Undefined if no file was asked for, and none is needed. */
  static async open(
    flags: Flags,
    { grant }: Settings,
    { finishFirst }: Pick<Surroundings, 'finishFirst'>,
  ): Promise<RefreshTokenFile | undefined> {
    const path = flags['save-refresh-token'];
    if (typeof path !== 'string') {
      if (grant.type !== 'refresh_token') return undefined;
      throw new UsageError(
        'PayU may replace the refresh token when it is used, and the new one would be lost: say with --save-refresh-token FILE where to write it.',
      );
    }
    // What a file can't be renamed to is found out now, and no device is replaced by one.
    const there = await stat(path === '' ? '.' : path).catch(() => undefined);
    if (there?.isFile() === false) {
      throw new UsageError(
        `--save-refresh-token: "${path}" is no file: give the name of one, which may be there or not.`,
      );
    }
    const draft = await open(draftOf(path), 'wx', 0o600).catch((error: { readonly code?: unknown }) => {
      throw new UsageError(whyNoDraft(path, error));
    });
    finishFirst(
      `"${path}" is written first, as PayU may have replaced the refresh token. Once more ends it at once.`,
    );
    return new RefreshTokenFile(path, draft);
  }

  /** Writes what there is to write, and says so. */
  async save(refreshToken: string | undefined): Promise<string> {
    if (refreshToken === undefined) {
      await this.#draft.close();
      await rm(draftOf(this.#path));
      return 'refresh token: there is none, nothing was written';
    }
    try {
      await this.#draft.writeFile(`${refreshToken}\n`);
      await this.#draft.close();
      await rename(draftOf(this.#path), this.#path);
    } catch (error) {
      const why = String((error as { code?: unknown }).code);
      throw new NotSavedError(
        `refresh token: it could not be written to ${this.#path} (${why}). As far as it was written, it is in ${draftOf(this.#path)}.`,
      );
    }
    return `refresh token: written to ${this.#path}`;
  }
}

function whyNoDraft(path: string, { code }: { readonly code?: unknown }): string {
  const draft = draftOf(path);
  return code === 'EEXIST'
    ? `--save-refresh-token: "${draft}" is there already, of a run that goes on or was ended. If none goes on, and it is not empty, the refresh token in it is the newest: move it to "${path}". If it is empty, remove it.`
    : `--save-refresh-token: "${draft}" cannot be created (${String(code)}).`;
}

function draftOf(path: string): string {
  return `${path}.new`;
}

import type { SandboxControls } from './controls.ts';

/** A running sandbox. */
export interface Sandbox extends SandboxControls, AsyncDisposable {
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly url: string;
  /** Fits the `environment` option of `createPayuAuth`. */
  readonly environment: { readonly tokenUrl: string; readonly revokeUrl: string };
  readonly clientId: string;
  readonly clientSecret: string;
  readonly username: string;
  readonly password: string;
  readonly publicClientId: string;
  /** Drops every connection, parked requests included, and leaves no handle behind. Idempotent. */
  close(): Promise<void>;
}

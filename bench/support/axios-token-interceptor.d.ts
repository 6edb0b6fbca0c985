/** The package has no types of its own. */
declare module 'axios-token-interceptor' {
  import type { InternalAxiosRequestConfig } from 'axios';

  interface Interceptor {
    <T>(options: {
      getToken: () => T | Promise<T>;
      header?: string;
      headerFormatter?: (token: T) => string;
    }): (config: InternalAxiosRequestConfig) => Promise<InternalAxiosRequestConfig>;
    tokenCache<T>(
      getToken: () => Promise<T>,
      options: { maxAge?: number; getMaxAge?: (token: T) => number },
    ): () => Promise<T>;
  }

  const tokenInterceptor: Interceptor;
  export = tokenInterceptor;
}

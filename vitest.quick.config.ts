import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { limits, projectsWithout } from './vitest.config.ts';

/**
 * The daily loop: all but what starts processes and servers of other makers, what walks random schedules or thousands
 * of orders, and what compiles or runs the documents. `npm test` runs everything; what is left out here is listed here
 * and nowhere else.
 */
const SLOW: readonly string[] = [
  // Processes, fleets, Redis servers.
  'test/fleet/**',
  'test/redis/{client-options,cluster,guarded-commands,lock,outage,rights,rollout,sentinel,stall,start-without-redis,stopped-process,store,way-back}.test.ts',
  'test/{axios/processes,cli/{demo,processes},events/told,testing/import-order}.test.ts',
  'test/time/{processes,stops}.test.ts',
  // Random schedules, all orders of events, storms, hundreds of connections.
  'test/examples/*.property.test.ts',
  'test/explorer/**',
  'test/properties/**',
  'test/axios/replay-connections.test.ts',
  'test/token/mint/storms.test.ts',
  // Every kind of failure over every version of axios, searched for secrets at any depth.
  'test/safety/canaries-{api,request-bodies,token}.test.ts',
  // What compiles: the documents, examples and types.
  'test/docs/{comparison,examples,proxy,proxy-with-old-axios,recipes-on-sandbox,reference,snippets}.test.ts',
  'test/types/**',
];

const config: ViteUserConfig = defineConfig({
  test: {
    ...limits,
    projects: projectsWithout(SLOW),
  },
});

export default config;

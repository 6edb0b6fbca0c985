import { SCENARIOS } from './scenarios.ts';
import { walkAll } from './support/walk-all.ts';

walkAll(SCENARIOS.filter(({ store }) => store !== 'own'));

/** Rules and limits of inbound ports: loaded with the first body that has any, for most proxies never see one. */
export { readRateLimit } from '../../../contract/policy/inbound.ts';
export { RateLimiter } from '../../policy/rate-limit.ts';
export { CompiledRules } from '../../policy/rules.ts';
export { readRules } from './rules.ts';

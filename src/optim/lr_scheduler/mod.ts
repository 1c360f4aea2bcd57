/**
 * Schedules of learning rates: PyTorch's `torch.optim.lr_scheduler`.
 * @module
 */

export { type AnyOptimizer, type HasRate, LRScheduler, type RateGroup } from "./base.ts";
export * from "./combined.ts";
export * from "./cycles.ts";
export * from "./formulas.ts";

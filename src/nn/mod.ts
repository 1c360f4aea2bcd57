/**
 * Networks: PyTorch's `torch.nn`.
 * @module
 */

export * from "./activations.ts";
export { Identity, ModuleDict, ModuleList, Sequential } from "./containers.ts";
export * from "./conv.ts";
export * from "./pooling.ts";
export { functionalCall } from "./functional_call.ts";
export * as functional from "./functional/mod.ts";
export * as init from "./init.ts";
export * from "./attention.ts";
export * from "./dropout.ts";
export * from "./embedding.ts";
export * from "./padding.ts";
export * from "./rnn.ts";
export * from "./transformer.ts";
export * from "./vision.ts";
export * from "./normalization.ts";
export { Bilinear, Flatten, Linear, type LinearOptions, Unflatten } from "./layers.ts";
export * from "./losses.ts";
export { type BackwardHook, type ForwardHook, type ForwardPreHook, Module } from "./module.ts";
export { Parameter, type ParameterOptions } from "./parameter.ts";
export { IncompatibleKeys, type LoadOptions } from "./state_dict.ts";
export { type Summary, summary, type SummaryInput, type SummaryRow } from "./summary.ts";
export * as utils from "./utils.ts";

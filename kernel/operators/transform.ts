/**
 * Rewrites operators into calls of the runtime, so that they work on tensors.
 *
 * Everything else stays where it is: text is only put in between, and no line is added or joined. What cannot be a tensor
 * keeps its operators: constants, strings that are put together, types and enums. So do `===`, `!==`, `!`, `&&`, `||`, `??`,
 * `in`, `instanceof`, `>>>`, `typeof`, `void` and `delete`.
 *
 * What JavaScript forbids, `-x**2`, means `-(x**2)` as in mathematics and Python.
 *
 * A comparison whose result decides (`if (loss < 0.1)`) is true where all of a tensor's one element is, as in PyTorch;
 * JavaScript would take any tensor for true.
 *
 * @module
 */

import { ARITHMETIC, COMPARISON, NAME, UNARY } from "./names.ts";
import { type Node, OperatorSyntaxError, parse } from "./parse.ts";
import { Rewriter, Rewritten } from "./rewriter.ts";

export { OperatorSyntaxError };

/** Leading comments with a line `// @operators off`. */
const PRAGMA = /^(?:#!.*\n)?(?:\s*(?:\/\/.*|\/\*[^]*?\*\/))*?\s*\/\/[ \t]*@operators[ \t]+off\b/;
const OPERATOR = /[-+*/%<>=&|^~]/;

/** Whether the first lines of some code say `// @operators off`. */
export function hasPragma(code: string): boolean {
  return PRAGMA.test(code);
}

/**
 * The code with operators that work on tensors. Code that says `// @operators off` in its first lines comes back as it is.
 * Throws {@linkcode OperatorSyntaxError} for code that does not parse.
 *
 * @example
 * ```ts
 * import { transformOperators } from "./transform.ts";
 *
 * transformOperators("y = 3 * x"); // "y = __dg_ops.mul(3 , x)"
 * ```
 */
export function transformOperators(code: string): string {
  return rewriteOperators(code).text;
}

/** What {@linkcode transformOperators} gives, with the places in it that come from places of the code. */
export function rewriteOperators(code: string): Rewritten {
  if (!OPERATOR.test(code) || hasPragma(code)) return new Rewritten(code);
  return new Transformer(code).run(parse(code));
}

/** Expressions around an expression that do not change its value. */
const WRAPPERS = new Set([
  "ParenthesizedExpression",
  "TSAsExpression",
  "TSSatisfiesExpression",
  "TSNonNullExpression",
  "TSTypeAssertion",
]);
/** Other nodes of TypeScript that contain code that runs. */
const RUNNING = new Set([
  ...WRAPPERS,
  "TSInstantiationExpression",
  "TSExportAssignment",
  "TSModuleDeclaration",
  "TSModuleBlock",
  "TSParameterProperty",
]);
const NO_CHILDREN = new Set(["loc", "extra", "errors", "comments", "type", "start", "end"]);
/** Methods of arrays whose callback decides. */
const PREDICATE = /^(?:filter|some|every|find|findIndex|findLast|findLastIndex)$/;

class Transformer {
  readonly #code: string;
  readonly #out: Rewriter;

  constructor(code: string) {
    this.#code = code;
    this.#out = new Rewriter(code);
  }

  run(program: Node): Rewritten {
    this.#visit(program, false);
    return this.#out.finish();
  }

  // Walking. `decides` says that only the truth of the value matters.

  #visit(node: Node, decides: boolean): void {
    switch (node.type) {
      case "BinaryExpression":
        return this.#binary(node, decides);
      case "UnaryExpression":
        return this.#unary(node);
      case "AssignmentExpression":
        return this.#assignment(node);
      case "UpdateExpression":
        return this.#update(node, true);
      case "ExpressionStatement":
        return this.#unused(node.expression);
      case "IfStatement":
      case "WhileStatement":
      case "DoWhileStatement":
        return this.#children(node, (child) => child === node.test);
      case "ForStatement":
        return this.#for(node);
      case "ConditionalExpression":
        return this.#children(node, (child) => child === node.test || decides);
      case "LogicalExpression":
        return this.#children(
          node,
          (child) => decides || node.operator !== "??" && child === node.left,
        );
      case "SequenceExpression":
        return this.#sequence(node, decides, false);
      case "CallExpression":
      case "OptionalCallExpression":
        return this.#call(node);
      case "TSEnumDeclaration":
        return;
      default:
        if (node.type.startsWith("TS") && !RUNNING.has(node.type)) return;
        return this.#children(node, () => decides && WRAPPERS.has(node.type));
    }
  }

  #children(node: Node, decides: (child: Node) => boolean = () => false): void {
    for (const child of childrenOf(node)) this.#visit(child, decides(child));
  }

  /** Visits an expression whose value nobody asks for. */
  #unused(node: Node): void {
    if (node.type === "UpdateExpression") this.#update(node, false);
    else if (node.type === "SequenceExpression") this.#sequence(node, false, true);
    else this.#visit(node, false);
  }

  #sequence(node: Node, decides: boolean, unused: boolean): void {
    const last = node.expressions.at(-1);
    for (const child of node.expressions) {
      if (child !== last || unused) this.#unused(child);
      else this.#visit(child, decides);
    }
  }

  #for(node: Node): void {
    if (node.init) this.#unused(node.init);
    if (node.test) this.#visit(node.test, true);
    if (node.update) this.#unused(node.update);
    this.#visit(node.body, false);
  }

  /** A call may take what decides: `losses.filter((x) => x < 1)`, `assert(x < 1)`. */
  #call(node: Node): void {
    const { callee } = node;
    const first = node.arguments[0];
    const member = callee.property !== undefined && !callee.computed ? callee.property.name : undefined;
    const predicate = PREDICATE.test(member) && first?.type === "ArrowFunctionExpression" && !first.async
      ? first.body
      : undefined;
    const condition = /^(?:assert|Boolean)$/.test(member ?? callee.name) ? first : undefined;
    for (const child of childrenOf(node)) {
      if (child !== first || predicate === undefined) this.#visit(child, child === condition);
      else this.#children(first, (part) => part === predicate);
    }
  }

  #binary(node: Node, decides: boolean): void {
    const { operator, right } = node;
    const left: Node = node.left;
    if (operator === "**" && left.type === "UnaryExpression") return this.#negatedPower(node);
    const compares = operator in COMPARISON;
    const name = compares ? COMPARISON[operator] : ARITHMETIC[operator];
    if (
      name === undefined || isPlain(left) && isPlain(right) ||
      operator === "+" && (isText(left) || isText(right)) ||
      (operator === "==" || operator === "!=") && (isNoScalar(left) || isNoScalar(right))
    ) {
      return this.#children(node);
    }
    this.#out.copyTo(node.start);
    // Errors are in the operator.
    this.#out.write(`${NAME}.${name}${compares && decides ? "True" : ""}(`, this.#out.skipTrivia(left.end));
    this.#visit(left, false);
    this.#out.replace(left.end, operator, ",");
    this.#visit(right, false);
    this.#out.copyTo(node.end);
    this.#out.write(")");
  }

  /** `-x**2`, which the parser understands as `(-x)**2`. */
  #negatedPower(node: Node): void {
    const signs: Node[] = [];
    let operand: Node = node.left;
    for (; operand.type === "UnaryExpression"; operand = operand.argument) {
      if (UNARY[operand.operator] === undefined) {
        throw new OperatorSyntaxError(
          `Parentheses are needed around '${operand.operator} ...' or around the power`,
          this.#code,
          operand.start,
        );
      }
      signs.push(operand);
    }
    for (const sign of signs) {
      this.#out.copyTo(sign.start);
      this.#out.write(`${NAME}.${UNARY[sign.operator]}(`);
      this.#out.skipTo(sign.start + 1);
    }
    this.#out.copyTo(operand.start);
    this.#out.write(`${NAME}.pow(`, this.#out.skipTrivia(operand.end));
    this.#visit(operand, false);
    this.#out.replace(operand.end, "**", ",");
    this.#visit(node.right, false);
    this.#out.copyTo(node.end);
    this.#out.write(")".repeat(signs.length + 1));
  }

  #unary(node: Node): void {
    const name = UNARY[node.operator];
    if (name === undefined || isPlain(node.argument)) {
      return this.#children(node, () => node.operator === "!");
    }
    this.#out.copyTo(node.start);
    this.#out.write(`${NAME}.${name}(`);
    this.#out.skipTo(node.start + 1);
    this.#visit(node.argument, false);
    this.#out.copyTo(node.end);
    this.#out.write(")");
  }

  // Assignments: see the runtime for the calls

  #assignment(node: Node): void {
    const { operator, left, right } = node;
    const name = ARITHMETIC[operator.slice(0, -1)];
    const target = unwrap(left);
    if (name === undefined || operator === "+=" && isText(right) || !isTarget(target)) {
      if (isAssignable(target)) this.#visit(left, false);
      return this.#visit(right, false);
    }
    if (target.type === "Identifier") {
      this.#out.copyTo(node.start);
      this.#out.write(`${NAME}.${name}To(`, this.#out.skipTrivia(left.end));
      this.#out.replace(left.end, operator, ",");
      this.#visit(right, false);
      this.#out.copyTo(node.end);
      this.#out.write(`) ? ${target.name} : ${target.name} = ${NAME}.take()`);
      return;
    }
    this.#place(target);
    this.#out.replace(left.end, operator, `.${name}(`);
    this.#visit(right, false);
    this.#out.copyTo(node.end);
    this.#out.write(")");
  }

  #update(node: Node, used: boolean): void {
    const { operator, prefix, argument } = node;
    const target = unwrap(argument);
    if (!isTarget(target)) return isAssignable(target) ? this.#visit(argument, false) : undefined;
    const by = operator === "++" ? "1" : "-1";
    const step = prefix || !used ? "step" : "stepAfter";
    this.#out.copyTo(node.start);
    if (target.type === "Identifier") {
      // On its own it is a statement or all of a part of one; elsewhere it would need parentheses.
      const { name } = target;
      this.#out.write(
        `${used ? `${NAME}.value(` : ""}${NAME}.steps(${name}) ? ${NAME}.${step}(${name}, ${by}) : `,
      );
      this.#out.copyTo(node.end);
      if (used) this.#out.write(")");
      return;
    }
    if (prefix) this.#out.skipTo(node.start + operator.length);
    this.#place(target);
    this.#out.copyTo(argument.end);
    this.#out.write(`.${step}(${by})`);
    if (!prefix) this.#out.skipTo(node.end);
  }

  /** Makes a place of a member: `o.p`, `o[k]`, `o.#p`, `super.p`. */
  #place(target: Node): void {
    const { object, property } = target;
    this.#out.copyTo(target.start);
    if (object.type === "Super") return this.#superPlace(target);
    const isPrivate = property.type === "PrivateName";
    this.#out.write(`${NAME}.${isPrivate ? "place" : "at"}(`);
    this.#visit(object, false);
    if (target.computed) {
      this.#out.replace(object.end, "[", ", ");
      this.#key(property);
      this.#out.replace(property.end, "]", ")");
      return;
    }
    this.#out.replace(object.end, ".", ",");
    this.#out.copyTo(property.start);
    const name = isPrivate ? property.id.name : property.name;
    this.#out.write(isPrivate ? `($) => $.#${name}, ($, v) => $.#${name} = v)` : `${JSON.stringify(name)})`);
    this.#out.skipTo(target.end);
  }

  /** Between brackets a comma needs no parentheses, between arguments it does. */
  #key(property: Node): void {
    const comma = property.type === "SequenceExpression";
    if (comma) this.#out.write("(");
    this.#visit(property, false);
    this.#out.copyTo(property.end);
    if (comma) this.#out.write(")");
  }

  #superPlace(target: Node): void {
    const { object, property } = target;
    // The key takes the place of the object.
    this.#out.write(`${NAME}.place(`);
    this.#out.skipTo(object.end);
    if (target.computed) {
      this.#out.replace(object.end, "[", "");
      this.#key(property);
      this.#out.replace(property.end, "]", ", ");
    } else {
      this.#out.replace(object.end, ".", "");
      this.#out.copyTo(property.start);
      this.#out.write(`${JSON.stringify(property.name)}, `);
      this.#out.skipTo(target.end);
    }
    this.#out.write("($) => super[$], ($, v) => super[$] = v)");
  }
}

/** The nodes within a node, in the order of the text. */
function childrenOf(node: Node): Node[] {
  const children: Node[] = [];
  let sorted = true;
  const add = (value: unknown) => {
    if (typeof (value as Node | null)?.type !== "string") return;
    const child = value as Node;
    if (children.length > 0 && child.start < children.at(-1)!.start) sorted = false;
    children.push(child);
  };
  for (const key in node) {
    if (NO_CHILDREN.has(key)) continue;
    const value = node[key];
    if (Array.isArray(value)) { for (const item of value) add(item); }
    else if (typeof value === "object" && value !== null) add(value);
  }
  return sorted ? children : children.sort((a, b) => a.start - b.start);
}

function unwrap(node: Node): Node {
  while (WRAPPERS.has(node.type)) node = node.expression;
  return node;
}

/** Whether something can be assigned to that is one variable or member. */
function isTarget(node: Node): boolean {
  return node.type === "Identifier" || node.type === "MemberExpression";
}

/**
 * Whether JavaScript takes something to the left of `=`, or to be to the left of it only when it runs, as it does with calls.
 * `-x = 1` must not become such a call.
 */
function isAssignable(node: Node): boolean {
  return isTarget(node) || /Pattern$|^CallExpression$/.test(node.type);
}

/** Whether an expression certainly gives a string. */
function isText(node: Node): boolean {
  const inner = unwrap(node);
  switch (inner.type) {
    case "StringLiteral":
    case "TemplateLiteral":
      return true;
    case "UnaryExpression":
      return inner.operator === "typeof";
    case "BinaryExpression":
      return inner.operator === "+" && (isText(inner.left) || isText(inner.right));
    default:
      return false;
  }
}

/** Whether an expression certainly gives something that no element is compared to: null, a string. */
function isNoScalar(node: Node): boolean {
  const inner = unwrap(node);
  return inner.type === "NullLiteral" || inner.type === "Identifier" && inner.name === "undefined" ||
    isText(inner);
}

const PLAIN_UNARY = new Set(["!", "typeof", "void", "delete"]);
const PLAIN_BINARY = new Set(["===", "!==", "in", "instanceof", ">>>"]);

/** Whether an expression certainly gives no object. */
function isPlain(node: Node): boolean {
  const inner = unwrap(node);
  switch (inner.type) {
    case "NumericLiteral":
    case "BigIntLiteral":
    case "BooleanLiteral":
    case "NullLiteral":
      return true;
    case "UnaryExpression":
      return PLAIN_UNARY.has(inner.operator) || isPlain(inner.argument);
    case "BinaryExpression":
      if (inner.operator === "**" && inner.left.type === "UnaryExpression") return false;
      return PLAIN_BINARY.has(inner.operator) || isPlain(inner.left) && isPlain(inner.right);
    default:
      return isText(inner);
  }
}
